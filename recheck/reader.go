package recheck

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// State is what an answer says.
type State uint8

// The states.
const (
	Open  State = iota + 1 // it is still so
	Fixed                  // the resource is there, and it is not so any more
	Gone                   // the resource is not there any more
)

// String is the word of a state.
func (s State) String() string {
	return [...]string{"", "open", "fixed", "gone"}[s]
}

// Answer is what the service said.
type Answer struct {
	State State
	Text  string // what was asked and what was answered, for people
}

// Reader asks.
type Reader struct {
	// As is how an account is reached: a role of it, taken on.
	As func(account string) aws.Config
	// Endpoint is of other services than AWS's; "" is AWS.
	Endpoint string
	Now      func() time.Time
}

// Error says why there is no answer.
type Error struct {
	Action, Account, Region string
	Code                    string // of the service; "" where it did not answer
	Status                  int
	Err                     error
}

// Error holds no text of the service beyond its code.
func (e *Error) Error() string {
	s := fmt.Sprintf("recheck: %s in %s %s: ", e.Action, e.Account, e.Region)
	switch {
	case denied(e.Code) || e.Code == "" && e.Status == http.StatusForbidden:
		return s + cmp.Or(e.Code, "403") + " (hint: " + e.Action + " is not allowed)"
	case e.Code != "":
		return s + e.Code
	case e.Status != 0:
		return s + fmt.Sprintf("status %d", e.Status)
	}
	return s + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func denied(code string) bool {
	return strings.HasPrefix(code, "AccessDenied") || code == "UnauthorizedOperation" || code == "AuthFailure"
}

// readWithin bounds one look, the taking on of the role included.
const readWithin = 20 * time.Second

// maxAnswer bounds an answer.
const maxAnswer = 4 << 20

// ask asks about one target.
type ask func(ctx context.Context, t *Target) (State, string, error)

// Read asks about a target, with one call.
func (r *Reader) Read(ctx context.Context, t Target) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	// Who asks is settled first: what is said about a role is never an answer about a resource.
	if _, err := r.As(t.Account).Credentials.Retrieve(ctx); err != nil {
		e := r.explain(&t, err)
		e.Action = "sts:AssumeRole"
		return Answer{}, e
	}
	state, text, err := t.Kind.ask(r)(ctx, &t)
	if err != nil {
		return Answer{}, r.explain(&t, err)
	}
	return Answer{State: state, Text: t.Kind.Action + " " + t.ID + ": " + text}, nil
}

var codeWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{0,79}$`)

func (r *Reader) explain(t *Target, err error) *Error {
	e := &Error{Action: t.Kind.Action, Account: t.Account, Region: t.Region, Err: err}
	if api := smithy.APIError(nil); errors.As(err, &api) && codeWord.MatchString(api.ErrorCode()) {
		e.Code = api.ErrorCode()
	}
	if resp := (*awshttp.ResponseError)(nil); errors.As(err, &resp) {
		e.Status = resp.HTTPStatusCode()
	}
	if own := (*answered)(nil); errors.As(err, &own) {
		e.Status = own.status
	}
	return e
}

// answered is an error that a service answered.
type answered struct {
	status int
	smithy.GenericAPIError
}

// Unwrap lets the code be found.
func (a *answered) Unwrap() error { return &a.GenericAPIError }

// errForm says that an answer is not what the service's reference says.
var errForm = errors.New("the answer has another form than is known")

// query calls an action of a service that speaks the query protocol, and reads its answer.
func (r *Reader) query(ctx context.Context, t *Target, service, version string, form url.Values, into any) error {
	cfg := r.As(t.Account)
	action := t.Kind.Action[strings.IndexByte(t.Kind.Action, ':')+1:]
	form.Set("Action", action)
	form.Set("Version", version)
	body := []byte(form.Encode())
	address := r.Endpoint
	if address == "" {
		address = "https://" + service + "." + t.Region + ".amazonaws.com"
		if strings.HasPrefix(t.Region, "cn-") {
			address += ".cn"
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(address, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), service, t.Region, r.Now()); err != nil {
		return err
	}
	resp, err := cfg.HTTPClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	case len(data) > maxAnswer:
		return fmt.Errorf("%w: it is larger than %d bytes", errForm, maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return &answered{resp.StatusCode, smithy.GenericAPIError{Code: faultCode(data)}}
	}
	return decode(data, into)
}

// decode reads one XML document, whole.
func decode(data []byte, into any) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(into); err != nil {
		return errForm // its own text may hold what the service said
	}
	for {
		switch tok, err := d.Token(); x := tok.(type) {
		case nil:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return errForm
		case xml.CharData:
			if len(bytes.TrimSpace(x)) > 0 {
				return errForm
			}
		case xml.Comment:
		default:
			return errForm
		}
	}
}

// faultCode reads the code of an error, "" where there is none: EC2 and the other services
// write it in different places.
func faultCode(data []byte) string {
	var f struct {
		XMLName xml.Name
		Listed  []string `xml:"Errors>Error>Code"`
		Single  []string `xml:"Error>Code"`
	}
	if decode(data, &f) != nil {
		return ""
	}
	if codes := append(f.Listed, f.Single...); len(codes) == 1 && codeWord.MatchString(codes[0]) {
		return codes[0]
	}
	return ""
}

// gone reports whether an error says that the resource is not there: a code of the service,
// with the status that it comes with.
func gone(err error, status int, codes ...string) bool {
	api := smithy.APIError(nil)
	if !errors.As(err, &api) {
		return false
	}
	got := 0
	if resp := (*awshttp.ResponseError)(nil); errors.As(err, &resp) {
		got = resp.HTTPStatusCode()
	}
	if own := (*answered)(nil); errors.As(err, &own) {
		got = own.status
	}
	for _, c := range codes {
		if api.ErrorCode() == c && got == status {
			return true
		}
	}
	return false
}
