package secret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// clouds are the domains of vaults, with the authority that gives out tokens for each.
var clouds = map[string]string{
	"vault.azure.net":         "login.microsoftonline.com",
	"vault.azure.cn":          "login.chinacloudapi.cn",
	"vault.usgovcloudapi.net": "login.microsoftonline.us",
}

var (
	vaultName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]$`)
	azureName    = regexp.MustCompile(`^[A-Za-z0-9-]{1,127}$`)
	azureVersion = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
	tenantForm   = regexp.MustCompile(`^[A-Za-z0-9.-]{1,128}$`)
)

func (r *Resolver) azureKeyVault(ctx context.Context, p reference) (string, error) {
	parts := strings.Split(p.body, "/")
	host, domain, ok := vaultHost(parts[0])
	switch {
	case !ok:
		return "", errors.New("not a Key Vault (hint: its name, or NAME.vault.azure.net, NAME.vault.azure.cn or NAME.vault.usgovcloudapi.net)")
	case len(parts) < 2 || len(parts) > 3 || !azureName.MatchString(parts[1]):
		return "", errors.New("want ref+azurekeyvault://vault/name or …/name/version")
	case len(parts) == 3 && !azureVersion.MatchString(parts[2]):
		return "", errors.New("a version has 32 hexadecimal digits")
	}
	token, err := r.token(ctx, "azure "+domain, func(ctx context.Context) (string, error) { return r.azureToken(ctx, domain) })
	if err != nil {
		return "", err
	}
	var out struct {
		Value *string `json:"value"`
	}
	err = r.call(ctx, r.client(false, nil), http.MethodGet, "https://"+host+"/secrets/"+strings.Join(parts[1:], "/")+"?api-version=7.4",
		http.Header{"Authorization": {"Bearer " + token}}, nil, &out)
	switch status(err) {
	case http.StatusForbidden:
		return "", hinted(err, "the identity needs the role Key Vault Secrets User, and the vault's firewall must let it in")
	case http.StatusNotFound:
		return "", hinted(err, "check vault, name and version")
	}
	if err == nil && out.Value == nil {
		err = errors.New("the answer has no value")
	}
	if err != nil {
		return "", err
	}
	return *out.Value, nil
}

// vaultHost holds a vault to the domains of Azure: a token must go nowhere else.
func vaultHost(s string) (host, domain string, ok bool) {
	name, domain, dotted := strings.Cut(strings.ToLower(s), ".")
	if !dotted {
		domain = "vault.azure.net"
	}
	_, known := clouds[domain]
	return name + "." + domain, domain, known && vaultName.MatchString(name) && !strings.Contains(name, "--")
}

// azureToken asks for a token for the vaults of a cloud: by a client secret or a federated
// token where the environment has one, of the App Service, or of the machine.
func (r *Resolver) azureToken(ctx context.Context, domain string) (string, error) {
	return r.azureTokenFor(ctx, domain, "https://"+domain)
}

// azureTokenFor does the same for any service of the cloud in which a vault's domain is.
func (r *Resolver) azureTokenFor(ctx context.Context, domain, resource string) (string, error) {
	tenant, client := r.got("AZURE_TENANT_ID"), r.got("AZURE_CLIENT_ID")
	password, err := r.gotSecret("AZURE_CLIENT_SECRET")
	if err != nil {
		return "", err
	}
	federated := r.got("AZURE_FEDERATED_TOKEN_FILE")
	var out tokenAnswer
	if password != "" || federated != "" {
		if !tenantForm.MatchString(tenant) || client == "" {
			return "", errors.New("AZURE_TENANT_ID and AZURE_CLIENT_ID are needed too")
		}
		authority, err := r.authority(domain)
		if err != nil {
			return "", err
		}
		pairs := []string{"grant_type", "client_credentials", "client_id", client, "scope", resource + "/.default"}
		if password != "" {
			pairs = append(pairs, "client_secret", password)
		} else {
			assertion, err := readFile(federated)
			if err != nil {
				return "", fmt.Errorf("AZURE_FEDERATED_TOKEN_FILE: %w", err)
			}
			pairs = append(pairs, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", assertion)
		}
		err = r.call(ctx, r.client(false, nil), http.MethodPost, "https://"+authority+"/"+tenant+"/oauth2/v2.0/token", formType, form(pairs...), &out)
		return out.AccessToken, err
	}
	query := url.Values{"resource": {resource}}
	if client != "" {
		query.Set("client_id", client)
	}
	if endpoint := r.got("IDENTITY_ENDPOINT"); endpoint != "" && r.got("IDENTITY_HEADER") != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "", errors.New("IDENTITY_ENDPOINT: not a URL")
		}
		query.Set("api-version", "2019-08-01")
		u.RawQuery = query.Encode()
		err = r.call(ctx, r.client(true, nil), http.MethodGet, u.String(), http.Header{"X-Identity-Header": {r.got("IDENTITY_HEADER")}}, nil, &out)
		return out.AccessToken, err
	}
	query.Set("api-version", "2018-02-01")
	err = r.call(ctx, r.client(true, nil), http.MethodGet, "http://169.254.169.254/metadata/identity/oauth2/token?"+query.Encode(),
		http.Header{"Metadata": {"true"}}, nil, &out)
	if err != nil {
		return "", hinted(fmt.Errorf("managed identity: %w", err), "run on Azure with an identity, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE")
	}
	return out.AccessToken, nil
}

// authority is where Entra gives out tokens: a client secret must go nowhere else.
func (r *Resolver) authority(domain string) (string, error) {
	want := cmp.Or(r.got("AZURE_AUTHORITY_HOST"), "https://"+clouds[domain])
	host, ok := strings.CutPrefix(strings.TrimSuffix(want, "/"), "https://")
	for _, known := range clouds {
		if ok && host == known {
			return host, nil
		}
	}
	return "", errors.New("AZURE_AUTHORITY_HOST: not an authority of Entra")
}
