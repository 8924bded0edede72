package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

var (
	regionForm  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d{1,2}$`)
	versionUUID = regexp.MustCompile(`^[0-9A-Za-z-]{32,64}$`)
)

// awsConfig is the connection to the region of a reference: as it says, as its ARN says, or
// the default one.
func (r *Resolver) awsConfig(ctx context.Context, p reference) (aws.Config, error) {
	region := p.query.Get("region")
	if parts := strings.SplitN(p.body, ":", 6); region == "" && len(parts) == 6 && parts[0] == "arn" {
		region = parts[3]
	}
	if region != "" && !regionForm.MatchString(region) {
		return aws.Config{}, fmt.Errorf("region %q: not a region", visible(region))
	}
	if c, ok := r.regions[region]; ok {
		return c, nil
	}
	load := r.o.AWS
	if load == nil {
		load = func(ctx context.Context, region string) (aws.Config, error) {
			opts := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
			if region != "" {
				opts = append(opts, config.WithRegion(region))
			}
			return config.LoadDefaultConfig(ctx, opts...)
		}
	}
	c, err := load(ctx, region)
	if err != nil {
		return c, fmt.Errorf("AWS configuration: %w", err)
	}
	if c.Region == "" {
		return c, errors.New("there is no region (hint: add ?region=, or set AWS_REGION)")
	}
	if c.HTTPClient == nil {
		c.HTTPClient = awshttp.NewBuildableClient()
	}
	c.HTTPClient = whole{c.HTTPClient}
	r.regions[region] = c
	return c, nil
}

// whole hides WriteTo of the SDK's request bodies: called after the body was closed, which
// happens when an answer is quick, it fails and net/http breaks the connection.
type whole struct{ aws.HTTPClient }

// Do sends a request.
func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.HTTPClient.Do(r)
}

func (r *Resolver) awsSecrets(ctx context.Context, p reference) (string, error) {
	c, err := r.awsConfig(ctx, p)
	if err != nil {
		return "", err
	}
	in := &secretsmanager.GetSecretValueInput{SecretId: &p.body}
	if v := p.query.Get("version"); versionUUID.MatchString(v) {
		in.VersionId = &v
	} else if v != "" {
		in.VersionStage = &v
	}
	out, err := secretsmanager.NewFromConfig(c).GetSecretValue(ctx, in)
	if err != nil {
		return "", explainAWS(err, "secretsmanager:GetSecretValue, and kms:Decrypt where a key of yours encrypts it")
	}
	if out.SecretString != nil {
		return *out.SecretString, nil
	}
	if !utf8.Valid(out.SecretBinary) {
		return "", errors.New("the secret is binary, and not text")
	}
	return string(out.SecretBinary), nil
}

func (r *Resolver) awsSSM(ctx context.Context, p reference) (string, error) {
	c, err := r.awsConfig(ctx, p)
	if err != nil {
		return "", err
	}
	out, err := ssm.NewFromConfig(c).GetParameter(ctx, &ssm.GetParameterInput{Name: &p.body, WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", explainAWS(err, "ssm:GetParameter, and kms:Decrypt where a key of yours encrypts it")
	}
	if out.Parameter == nil {
		return "", errors.New("the answer has no parameter")
	}
	return aws.ToString(out.Parameter.Value), nil
}

// explainAWS drops the SDK's preamble and says what the identity needs.
func explainAWS(err error, permission string) error {
	api := smithy.APIError(nil)
	if !errors.As(err, &api) {
		op := (*smithy.OperationError)(nil)
		if strings.Contains(err.Error(), "get identity: ") && errors.As(err, &op) {
			return hinted(op.Err, "run where a role is given, or set AWS_PROFILE")
		}
		if errors.As(err, &op) {
			return op.Err
		}
		return err
	}
	text := fmt.Errorf("%s: %s", api.ErrorCode(), visible(api.ErrorMessage()))
	switch code := api.ErrorCode(); {
	case strings.Contains(code, "AccessDenied") || code == "UnrecognizedClientException":
		return hinted(text, "the identity needs "+permission)
	case code == "ResourceNotFoundException" || code == "ParameterNotFound" || code == "ParameterVersionNotFound":
		return hinted(text, "check the name, the region and the account")
	}
	return text
}
