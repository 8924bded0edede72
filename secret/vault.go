package secret

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// vaultClient is a Vault that is logged in to.
type vaultClient struct {
	r       *Resolver
	http    *http.Client
	address string
	header  http.Header
}

func (r *Resolver) vault(ctx context.Context, p reference) (string, error) {
	path := strings.Trim(p.body, "/")
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return "", errors.New("want ref+vault://mount/path?field=name")
		}
	}
	version := p.query.Get("version")
	if n, err := strconv.Atoi(version); version != "" && (err != nil || n < 1) {
		return "", errors.New("version: want a number from 1")
	}
	v, err := r.vaultLogin(ctx)
	if err != nil {
		return "", err
	}
	fields, err := v.read(ctx, path, version)
	if err != nil {
		return "", err
	}
	field := p.query.Get("field")
	if field == "" {
		if len(fields) != 1 {
			return "", fmt.Errorf("the secret has %d fields (hint: add ?field=)", len(fields))
		}
		for name := range fields {
			field = name
		}
	}
	raw, ok := fields[field]
	if !ok {
		return "", fmt.Errorf("the secret has no field %q", visible(field))
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return "", errors.New("the field cannot be read")
	}
	return scalar(value, field)
}

// vaultLogin connects as the environment says: with a token, as an AppRole, or as the
// Kubernetes service account.
func (r *Resolver) vaultLogin(ctx context.Context) (*vaultClient, error) {
	u, err := url.Parse(r.got("VAULT_ADDR"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("VAULT_ADDR: want https://host:8200")
	}
	if a, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !a.IsLoopback()) {
		return nil, errors.New("VAULT_ADDR: http would send the token in the clear (hint: use https)")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: r.got("VAULT_TLS_SERVER_NAME")}
	if file := r.got("VAULT_CACERT"); file != "" {
		data, err := os.ReadFile(file) //nolint:gosec // the environment names it
		if err != nil {
			return nil, fmt.Errorf("VAULT_CACERT: %w", bare(err))
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, errors.New("VAULT_CACERT: there is no PEM certificate in it")
		}
	}
	v := &vaultClient{r: r, http: r.client(u.Scheme == "http", config), address: strings.TrimSuffix(u.String(), "/") + "/v1/",
		header: http.Header{"X-Vault-Request": {"true"}}}
	if ns := r.got("VAULT_NAMESPACE"); ns != "" {
		v.header.Set("X-Vault-Namespace", ns)
	}
	token, err := r.token(ctx, "vault", v.login)
	if err != nil {
		return nil, err
	}
	v.header.Set("X-Vault-Token", token)
	return v, nil
}

// login returns a token.
func (v *vaultClient) login(ctx context.Context) (string, error) {
	r := v.r
	if t, err := r.gotSecret("VAULT_TOKEN"); t != "" || err != nil {
		return t, err
	}
	path, body := "", map[string]string{}
	role, kubernetes := r.got("VAULT_ROLE_ID"), r.got("VAULT_KUBERNETES_ROLE")
	switch {
	case role != "":
		id, err := r.gotSecret("VAULT_SECRET_ID")
		if err != nil {
			return "", err
		}
		path = "auth/" + cmp.Or(r.got("VAULT_APPROLE_MOUNT"), "approle") + "/login"
		body["role_id"] = role
		if id != "" {
			body["secret_id"] = id
		}
	case kubernetes != "":
		jwt, err := readFile(cmp.Or(r.got("VAULT_KUBERNETES_TOKEN_FILE"), "/var/run/secrets/kubernetes.io/serviceaccount/token"))
		if err != nil {
			return "", fmt.Errorf("token of the Kubernetes service account: %w", err)
		}
		path = "auth/" + cmp.Or(r.got("VAULT_KUBERNETES_MOUNT"), "kubernetes") + "/login"
		body["role"], body["jwt"] = kubernetes, jwt
	default:
		if home := r.got("HOME"); filepath.IsAbs(home) {
			if t, err := readFile(filepath.Join(home, ".vault-token")); err == nil && t != "" {
				return t, nil
			}
		}
		return "", errors.New("nobody to log in as (hint: set VAULT_TOKEN, VAULT_ROLE_ID and VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE)")
	}
	data, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	var out struct {
		Auth struct {
			Token string `json:"client_token"`
		} `json:"auth"`
	}
	header := v.header.Clone()
	header.Set("Content-Type", "application/json")
	if err := r.call(ctx, v.http, http.MethodPost, v.address+escaped(path), header, data, &out); err != nil {
		return "", fmt.Errorf("log in at %s: %w", visible(path), err)
	}
	return out.Auth.Token, nil
}

func escaped(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// read reads the fields of a secret from either version of the key-value engine.
func (v *vaultClient) read(ctx context.Context, path, version string) (map[string]json.RawMessage, error) {
	mount, second, err := v.mount(ctx, path)
	if err != nil {
		return nil, err
	}
	address := v.address + escaped(path)
	if second {
		rest := strings.TrimPrefix(path+"/", mount)
		if after, ok := strings.CutPrefix(rest, "data/"); ok && after != "" {
			rest = after // as the API writes it
		}
		address = v.address + escaped(mount+"data/"+rest)
		if version != "" {
			address += "?version=" + version
		}
	} else if version != "" {
		return nil, errors.New("version: the engine there keeps none")
	}
	var out struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	err = v.r.call(ctx, v.http, http.MethodGet, address, v.header, nil, &out)
	switch status(err) {
	case http.StatusForbidden:
		return nil, hinted(err, "the token's policy needs read on "+visible(strings.TrimPrefix(address, v.address)))
	case http.StatusNotFound:
		return nil, hinted(err, "there is no such secret, or this version of it was deleted")
	}
	if err != nil || !second {
		return out.Data, err
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(out.Data["data"], &fields) != nil || fields == nil {
		return nil, errors.New("this version of the secret was deleted")
	}
	return fields, nil
}

// mount asks which engine a path is in. It needs no policy of its own.
func (v *vaultClient) mount(ctx context.Context, path string) (mount string, second bool, err error) {
	var out struct {
		Data struct {
			Path    string            `json:"path"`
			Options map[string]string `json:"options"`
		} `json:"data"`
	}
	err = v.r.call(ctx, v.http, http.MethodGet, v.address+"sys/internal/ui/mounts/"+escaped(path), v.header, nil, &out)
	switch s := status(err); {
	case s == http.StatusNotFound || s == http.StatusMethodNotAllowed: // an old Vault, or another that speaks its API
		return "", false, nil
	case s == http.StatusForbidden:
		return "", false, hinted(err, "the token is not valid, or its policy allows nothing at "+visible(path))
	case err != nil:
		return "", false, err
	}
	if !strings.HasPrefix(path+"/", out.Data.Path) {
		return "", false, errors.New("the answer names another mount")
	}
	return out.Data.Path, out.Data.Options["version"] == "2", nil
}
