package awscall

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Config is c with an HTTP client that keeps answers whole, and without tries of the SDK's
// own: the delivery loop does that.
//
// The SDK (smithy-go 1.28) closes the body of a request as soon as the answer begins. Where
// the answer is quick, net/http looks only then whether the body has an end, and the SDK's
// body answers its WriteTo with io.EOF as if that were an error: net/http breaks the
// connection and the answer with it. A body without WriteTo is read, for which io.EOF is
// the end.
func Config(c aws.Config) aws.Config {
	c = c.Copy()
	if c.HTTPClient == nil {
		c.HTTPClient = awshttp.NewBuildableClient()
	}
	c.HTTPClient = whole{c.HTTPClient}
	c.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return c
}

type whole struct{ aws.HTTPClient }

// Do sends a request.
func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.HTTPClient.Do(r)
}
