package awscall_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/yagura-sec/yagura/notify/awscall"
)

type client func(*http.Request) (*http.Response, error)

func (c client) Do(r *http.Request) (*http.Response, error) { return c(r) }

// TestConfig: a body is only read, it ends where it is closed, and the SDK tries once.
func TestConfig(t *testing.T) {
	var sent *http.Request
	c := awscall.Config(aws.Config{HTTPClient: client(func(r *http.Request) (*http.Response, error) { sent = r; return nil, io.EOF })})
	body := io.NopCloser(strings.NewReader("body")) // has WriteTo
	if _, ok := body.(io.WriterTo); !ok {
		t.Fatal("the test's body has no WriteTo")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.example/", body)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.HTTPClient.Do(r) //nolint:bodyclose // there is none
	if _, ok := sent.Body.(io.WriterTo); ok {
		t.Error("the body that is sent has WriteTo")
	}
	if data, err := io.ReadAll(sent.Body); string(data) != "body" || err != nil || sent.Method != http.MethodPost {
		t.Errorf("%q, %v", data, err)
	}
	if n := c.Retryer().MaxAttempts(); n != 1 {
		t.Errorf("%d attempts", n)
	}
}
