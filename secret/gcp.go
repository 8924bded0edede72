package secret

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var (
	gcpProject = regexp.MustCompile(`^([a-z]([a-z0-9-]{4,28})[a-z0-9]|[a-z0-9.-]+:[a-z][a-z0-9-]{4,28}[a-z0-9]|\d{6,20})$`)
	gcpName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	gcpHost    = regexp.MustCompile(`^[A-Za-z0-9.-]+(:\d+)?$`)
)

const googleToken = "https://oauth2.googleapis.com/token" //nolint:gosec // an address

func (r *Resolver) gcpSecrets(ctx context.Context, p reference) (string, error) {
	parts := strings.Split(p.body, "/")
	if len(parts) == 2 {
		parts = append(parts, "latest")
	}
	if len(parts) != 3 || !gcpProject.MatchString(parts[0]) || !gcpName.MatchString(parts[1]) || !gcpName.MatchString(parts[2]) {
		return "", errors.New("want ref+gcpsecrets://project/name or …/name/version")
	}
	token, err := r.token(ctx, "gcp", r.gcpToken)
	if err != nil {
		return "", err
	}
	var out struct {
		Payload struct {
			Data   []byte `json:"data"`
			CRC32C string `json:"dataCrc32c"`
		} `json:"payload"`
	}
	err = r.call(ctx, r.client(false, nil), http.MethodGet,
		"https://secretmanager.googleapis.com/v1/projects/"+parts[0]+"/secrets/"+parts[1]+"/versions/"+parts[2]+":access",
		http.Header{"Authorization": {"Bearer " + token}}, nil, &out)
	switch status(err) {
	case http.StatusForbidden:
		return "", hinted(err, "the service account needs roles/secretmanager.secretAccessor on the secret")
	case http.StatusNotFound:
		return "", hinted(err, "check project, name and version")
	}
	if err != nil {
		return "", err
	}
	if sum := out.Payload.CRC32C; sum != "" && sum != strconv.FormatUint(uint64(crc32.Checksum(out.Payload.Data, crc32.MakeTable(crc32.Castagnoli))), 10) {
		return "", errors.New("the value was damaged on its way: its checksum does not hold")
	}
	return string(out.Payload.Data), nil
}

// token asks for a token once per resolver.
func (r *Resolver) token(ctx context.Context, kind string, ask func(context.Context) (string, error)) (string, error) {
	if t := r.tokens[kind]; t != "" {
		return t, nil
	}
	t, err := ask(ctx)
	if err != nil {
		return "", fmt.Errorf("access token: %w", err)
	}
	if t == "" || strings.ContainsAny(t, "\r\n") {
		return "", errors.New("access token: the answer has none")
	}
	r.tokens[kind] = t
	return t, nil
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
}

// gcpToken asks the metadata server, or signs with the key file that
// GOOGLE_APPLICATION_CREDENTIALS names.
func (r *Resolver) gcpToken(ctx context.Context) (string, error) {
	var out tokenAnswer
	file := r.got("GOOGLE_APPLICATION_CREDENTIALS")
	if file == "" {
		host := cmp.Or(r.got("GCE_METADATA_HOST"), "metadata.google.internal")
		if !gcpHost.MatchString(host) {
			return "", errors.New("GCE_METADATA_HOST: not a host")
		}
		err := r.call(ctx, r.client(true, nil), http.MethodGet, "http://"+host+"/computeMetadata/v1/instance/service-accounts/default/token",
			http.Header{"Metadata-Flavor": {"Google"}}, nil, &out)
		if err != nil {
			return "", hinted(fmt.Errorf("metadata server: %w", err), "run on Google Cloud with a service account, or set GOOGLE_APPLICATION_CREDENTIALS")
		}
		return out.AccessToken, nil
	}
	data, err := readFile(file)
	if err != nil {
		return "", fmt.Errorf("GOOGLE_APPLICATION_CREDENTIALS: %w", err)
	}
	var key struct {
		Type         string `json:"type"`
		Email        string `json:"client_email"`
		KeyID        string `json:"private_key_id"`
		Key          string `json:"private_key"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Refresh      string `json:"refresh_token"`
	}
	if json.Unmarshal([]byte(data), &key) != nil {
		return "", errors.New("GOOGLE_APPLICATION_CREDENTIALS: the file is not JSON")
	}
	var body []byte
	switch key.Type {
	case "service_account":
		assertion, err := r.gcpAssertion(key.Email, key.KeyID, key.Key)
		if err != nil {
			return "", fmt.Errorf("GOOGLE_APPLICATION_CREDENTIALS: %w", err)
		}
		body = form("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", assertion)
	case "authorized_user":
		body = form("grant_type", "refresh_token", "client_id", key.ClientID, "client_secret", key.ClientSecret, "refresh_token", key.Refresh)
	default:
		return "", fmt.Errorf("GOOGLE_APPLICATION_CREDENTIALS: type %q: want service_account or authorized_user", visible(key.Type))
	}
	// The address is Google's own, whatever the file's token_uri says.
	err = r.call(ctx, r.client(false, nil), http.MethodPost, googleToken, formType, body, &out)
	return out.AccessToken, err
}

// gcpAssertion is the signed request of a service account for a token.
func (r *Resolver) gcpAssertion(email, keyID, key string) (string, error) {
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return "", errors.New("there is no private key in it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return "", errors.New("the private key is not an RSA key in PKCS #8")
	}
	now := r.o.Now().Unix()
	header, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": keyID})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": email, "scope": "https://www.googleapis.com/auth/cloud-platform",
		"aud": googleToken, "iat": now - 30, "exp": now + 600})
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("the private key cannot sign")
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}
