package secret_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/yagura-sec/yagura/secret"
)

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func TestAWS(t *testing.T) {
	w := world(t)
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var in struct {
			SecretId, VersionId, VersionStage, Name string //nolint:revive // as the service writes it
			WithDecryption                          bool
		}
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &in)
		region := strings.Split(r.Header.Get("Authorization"), "/")[2]
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		asked = append(asked, fmt.Sprint(action, " ", in.SecretId, in.Name, " ", region, " ", in.VersionId, in.VersionStage))
		rw.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fail := func(code string) {
			rw.WriteHeader(400)
			_, _ = fmt.Fprintf(rw, `{"__type":%q,"message":"as the test\nwants"}`, code)
		}
		switch in.SecretId + in.Name {
		case "yagura/github", "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:x-AbCdEf":
			answer(rw, 200, map[string]any{"SecretString": `{"token":"hunter2"}`})
		case "binary":
			answer(rw, 200, map[string]any{"SecretBinary": []byte("text")})
		case "bytes":
			answer(rw, 200, map[string]any{"SecretBinary": []byte{0xff, 0xfe}})
		case "denied":
			fail("AccessDeniedException")
		case "/yagura/token":
			if !in.WithDecryption {
				fail("ValidationException")
				return
			}
			answer(rw, 200, map[string]any{"Parameter": map[string]any{"Value": "from-ssm"}})
		default:
			fail(map[string]string{"GetParameter": "ParameterNotFound", "GetSecretValue": "ResourceNotFoundException"}[action])
		}
	}))
	defer srv.Close()
	loads := 0
	w.o.AWS = func(_ context.Context, region string) (aws.Config, error) {
		loads++
		if region == "" {
			region = "eu-west-1"
		}
		return aws.Config{Region: region, BaseEndpoint: &srv.URL, HTTPClient: srv.Client(), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", "")}, nil
	}
	for ref, want := range map[string]string{
		"ref+awssecrets://yagura/github?key=token": "hunter2",
		"ref+awssecrets://yagura/github":           `{"token":"hunter2"}`,
		"ref+awssecrets://arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:x-AbCdEf?key=token": "hunter2",
		"ref+awssecrets://yagura/github?key=none":                                                       "!no key",
		"ref+awssecrets://binary":                                                                       "text",
		"ref+awssecrets://bytes":                                                                        "!binary",
		"ref+awssecrets://denied":                                                                       "!secretsmanager:GetSecretValue",
		"ref+awssecrets://none":                                                                         "!check the name",
		"ref+awssecrets://x?region=EU":                                                                  "!not a region",
		"ref+awsssm:///yagura/token":                                                                    "from-ssm",
		"ref+awsssm://none":                                                                             "!ParameterNotFound",
	} {
		w.want(t, ref, want)
	}
	asked, loads = nil, 0
	r := secret.New(w.o)
	for _, ref := range []string{"ref+awssecrets://yagura/github?version=AWSPREVIOUS&region=us-east-1", "ref+awssecrets://yagura/github?region=us-east-1&version=a1b2c3d4-5678-90ab-cdef-1234567890ab",
		"ref+awssecrets://arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:x-AbCdEf"} {
		if _, err := r.Resolve(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
	want := []string{"GetSecretValue yagura/github us-east-1 AWSPREVIOUS", "GetSecretValue yagura/github us-east-1 a1b2c3d4-5678-90ab-cdef-1234567890ab",
		"GetSecretValue arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:x-AbCdEf ap-northeast-1 "}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") || loads != 2 {
		t.Errorf("%d configurations were loaded, asked:\n%s", loads, strings.Join(asked, "\n"))
	}
}

func TestGCP(t *testing.T) {
	w := world(t)
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tokens := 0
	w.mux.HandleFunc("metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token", func(rw http.ResponseWriter, r *http.Request) {
		tokens++
		if r.Header.Get("Metadata-Flavor") != "Google" || r.Header.Get("X-Scheme") != "http" {
			rw.WriteHeader(403)
			return
		}
		answer(rw, 200, map[string]any{"access_token": "ya29.machine", "expires_in": 3599})
	})
	w.mux.HandleFunc("POST oauth2.googleapis.com/token", func(rw http.ResponseWriter, r *http.Request) {
		switch r.FormValue("grant_type") {
		case "refresh_token":
			answer(rw, 200, map[string]any{"access_token": "ya29.user"})
		case "urn:ietf:params:oauth:grant-type:jwt-bearer":
			parts := strings.Split(r.FormValue("assertion"), ".")
			sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
			sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
			claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
			var c struct {
				Iss, Aud, Scope string
				Iat, Exp        int64
			}
			if json.Unmarshal(claims, &c) != nil || rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA256, sum[:], sig) != nil ||
				c.Iss != "y@p.iam.gserviceaccount.com" || c.Aud != "https://oauth2.googleapis.com/token" || c.Exp-c.Iat > 3600 || c.Scope == "" {
				answer(rw, 400, map[string]any{"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
				return
			}
			answer(rw, 200, map[string]any{"access_token": "ya29.account"})
		}
	})
	flaky := 0
	w.mux.HandleFunc("GET secretmanager.googleapis.com/v1/projects/my-project/secrets/{name}/versions/{version}", func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ya29.") || r.Header.Get("X-Scheme") != "https" {
			answer(rw, 401, map[string]any{"error": map[string]any{"code": 401, "message": "no"}})
			return
		}
		value := []byte("hunter2 " + r.PathValue("version") + " " + r.Header.Get("Authorization")[12:])
		sum := fmt.Sprint(crc32.Checksum(value, crc32.MakeTable(crc32.Castagnoli)))
		switch r.PathValue("name") {
		case "denied":
			answer(rw, 403, map[string]any{"error": map[string]any{"code": 403, "message": "Permission 'secretmanager.versions.access' denied", "status": "PERMISSION_DENIED"}})
			return
		case "none":
			answer(rw, 404, map[string]any{"error": map[string]any{"message": "not found"}})
			return
		case "damaged":
			sum = "1"
		case "moved":
			http.Redirect(rw, r, "https://evil.example/", http.StatusFound)
			return
		case "odd":
			_, _ = io.WriteString(rw, `{"payload":{"data":"hunter2!"}}`)
			return
		case "flaky":
			if flaky++; flaky < 3 {
				rw.WriteHeader(503)
				return
			}
		}
		answer(rw, 200, map[string]any{"payload": map[string]any{"data": value, "dataCrc32c": sum}})
	})
	w.want(t, "ref+gcpsecrets://my-project/token", "hunter2 latest:access machine")
	w.want(t, "ref+gcpsecrets://my-project/token/7", "hunter2 7:access machine")
	w.want(t, "ref+gcpsecrets://my-project/flaky", "hunter2 latest:access machine")
	w.want(t, "ref+gcpsecrets://my-project/denied", "!roles/secretmanager.secretAccessor")
	w.want(t, "ref+gcpsecrets://my-project/none", "!check project")
	w.want(t, "ref+gcpsecrets://my-project/damaged", "!checksum")
	w.want(t, "ref+gcpsecrets://my-project/moved", "!302")
	w.want(t, "ref+gcpsecrets://my-project/odd", "!not the JSON")
	for _, bad := range []string{"my-project", "my-project/a/b/c", "My/x", "my-project/x%2f..", "my-project/x y"} {
		w.want(t, "ref+gcpsecrets://"+bad, "!want ref+gcpsecrets")
	}
	tokens = 0
	r := secret.New(w.o)
	for _, ref := range []string{"ref+gcpsecrets://my-project/a", "ref+gcpsecrets://my-project/b"} {
		if _, err := r.Resolve(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens were asked for", tokens)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.json")
	w.env["GOOGLE_APPLICATION_CREDENTIALS"] = file
	write := func(v any) {
		data, _ := json.Marshal(v)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	account := map[string]string{"type": "service_account", "client_email": "y@p.iam.gserviceaccount.com", "private_key_id": "k",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://evil.example/token"}
	write(account)
	w.want(t, "ref+gcpsecrets://my-project/token", "hunter2 latest:access account")
	account["client_email"] = "other@x"
	write(account)
	w.want(t, "ref+gcpsecrets://my-project/token", "!Invalid JWT Signature")
	account["private_key"] = "hunter2"
	write(account)
	w.want(t, "ref+gcpsecrets://my-project/token", "!no private key")
	write(map[string]string{"type": "authorized_user", "refresh_token": "r"})
	w.want(t, "ref+gcpsecrets://my-project/token", "hunter2 latest:access user")
	write(map[string]string{"type": "external_account"})
	w.want(t, "ref+gcpsecrets://my-project/token", "!want service_account")
	for _, r := range w.seen {
		if strings.Contains(r.Host, "evil") {
			t.Errorf("%s was asked", r.Host)
		}
	}
}

func TestAzure(t *testing.T) {
	w := world(t)
	give := func(rw http.ResponseWriter, token string) { answer(rw, 200, map[string]any{"access_token": token}) }
	w.mux.HandleFunc("GET 169.254.169.254/metadata/identity/oauth2/token", func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata") != "true" || r.FormValue("api-version") != "2018-02-01" {
			rw.WriteHeader(400)
			return
		}
		give(rw, "machine "+r.FormValue("resource")+r.FormValue("client_id"))
	})
	w.mux.HandleFunc("GET 127.0.0.1/msi/token", func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Identity-Header") == "h" {
			give(rw, "app "+r.FormValue("resource"))
		}
	})
	for _, host := range []string{"login.microsoftonline.com", "login.microsoftonline.us"} {
		w.mux.HandleFunc("POST "+host+"/my-tenant/oauth2/v2.0/token", func(rw http.ResponseWriter, r *http.Request) {
			switch {
			case r.FormValue("client_secret") == "pw" && r.FormValue("client_id") == "me":
				give(rw, "client "+r.FormValue("scope"))
			case r.FormValue("client_assertion") == "federated" && strings.HasSuffix(r.FormValue("client_assertion_type"), ":jwt-bearer"):
				give(rw, "federated "+r.FormValue("scope"))
			default:
				answer(rw, 401, map[string]any{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x"})
			}
		})
	}
	secretOf := func(rw http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case r.Header.Get("X-Scheme") != "https" || r.FormValue("api-version") == "":
			rw.WriteHeader(400)
		case r.PathValue("name") == "denied":
			answer(rw, 403, map[string]any{"error": map[string]any{"code": "Forbidden", "message": "Caller is not authorized"}})
		case r.PathValue("name") == "empty":
			answer(rw, 200, map[string]any{"id": "x"})
		default:
			answer(rw, 200, map[string]any{"value": r.Host + " " + r.PathValue("name") + " " + r.PathValue("version") + " " + token})
		}
	}
	for _, host := range []string{"my-vault.vault.azure.net", "my-vault.vault.usgovcloudapi.net", "my-vault.vault.azure.cn"} {
		w.mux.HandleFunc("GET "+host+"/secrets/{name}", secretOf)
		w.mux.HandleFunc("GET "+host+"/secrets/{name}/{version}", secretOf)
	}
	version := strings.Repeat("0a", 16)
	w.want(t, "ref+azurekeyvault://my-vault/token", "my-vault.vault.azure.net token  machine https://vault.azure.net")
	w.want(t, "ref+azurekeyvault://My-Vault.vault.azure.net/token/"+version, "my-vault.vault.azure.net token "+version+" machine https://vault.azure.net")
	w.want(t, "ref+azurekeyvault://my-vault.vault.azure.cn/token", "my-vault.vault.azure.cn token  machine https://vault.azure.cn")
	w.want(t, `{{ kv "https://my-vault.vault.azure.net/secrets/token" }}`, "my-vault.vault.azure.net token  machine https://vault.azure.net")
	w.want(t, `{{kv "https://my-vault.vault.azure.net/secrets/token/`+version+`"}}`, "my-vault.vault.azure.net token "+version+" machine https://vault.azure.net")
	w.want(t, "ref+azurekeyvault://my-vault/denied", "!Key Vault Secrets User")
	w.want(t, "ref+azurekeyvault://my-vault/none/"+version+"/x", "!want ref+azurekeyvault")
	w.want(t, "ref+azurekeyvault://my-vault/x/7", "!32 hexadecimal")
	w.want(t, "ref+azurekeyvault://my-vault/empty", "!no value")
	before := len(w.seen)
	for _, bad := range []string{"ref+azurekeyvault://my-vault.evil.example/x", "ref+azurekeyvault://my-vault.vault.azure.net.evil.example/x", "ref+azurekeyvault://evil.example%2f.vault.azure.net/x",
		"ref+azurekeyvault://a@b.vault.azure.net/x", "ref+azurekeyvault://evil%23.vault.azure.net/x", "ref+azurekeyvault://a.b.vault.azure.net/x",
		`{{ kv "https://my-vault.evil.example/secrets/x" }}`, `{{ kv "https://vault.azure.net/secrets/x" }}`} {
		w.want(t, bad, "!not a Key Vault")
	}
	for _, bad := range []string{`{{ kv "http://my-vault.vault.azure.net/secrets/x" }}`, `{{ kv "https://u:p@my-vault.vault.azure.net/secrets/x" }}`,
		`{{ kv "https://my-vault.vault.azure.net:8443/secrets/x" }}`, `{{ kv "https://my-vault.vault.azure.net/keys/x" }}`, `{{ kv x }}`, `{{ kv "https://my-vault.vault.azure.net/secrets/x" }} more`} {
		w.want(t, bad, "!want ")
	}
	if len(w.seen) != before {
		t.Errorf("%d requests for vaults that are none", len(w.seen)-before)
	}
	w.env["AZURE_CLIENT_ID"] = "me"
	w.want(t, "ref+azurekeyvault://my-vault/token", "my-vault.vault.azure.net token  machine https://vault.azure.netme")
	w.env["IDENTITY_ENDPOINT"], w.env["IDENTITY_HEADER"] = "http://127.0.0.1/msi/token", "h"
	w.want(t, "ref+azurekeyvault://my-vault/token", "my-vault.vault.azure.net token  app https://vault.azure.net")
	w.env["AZURE_CLIENT_SECRET"] = "pw"
	w.want(t, "ref+azurekeyvault://my-vault/token", "!AZURE_TENANT_ID")
	w.env["AZURE_TENANT_ID"] = "my-tenant"
	w.want(t, "ref+azurekeyvault://my-vault/token", "my-vault.vault.azure.net token  client https://vault.azure.net/.default")
	w.want(t, "ref+azurekeyvault://my-vault.vault.usgovcloudapi.net/token", "my-vault.vault.usgovcloudapi.net token  client https://vault.usgovcloudapi.net/.default")
	w.env["AZURE_CLIENT_SECRET"] = "hunter2"
	w.want(t, "ref+azurekeyvault://my-vault/token", "!AADSTS7000215: Invalid client secret provided.")
	w.env["AZURE_AUTHORITY_HOST"] = "https://login.evil.example/"
	w.want(t, "ref+azurekeyvault://my-vault/token", "!not an authority")
	w.env["AZURE_AUTHORITY_HOST"] = "https://login.microsoftonline.com/"
	delete(w.env, "AZURE_CLIENT_SECRET")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("federated"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env["AZURE_FEDERATED_TOKEN_FILE"] = file
	w.want(t, "ref+azurekeyvault://my-vault/token", "my-vault.vault.azure.net token  federated https://vault.azure.net/.default")
}

func TestVault(t *testing.T) {
	w := world(t)
	w.env["VAULT_ADDR"] = "https://vault.example:8200"
	errors := func(rw http.ResponseWriter, status int, text ...string) {
		answer(rw, status, map[string]any{"errors": append([]string{}, text...)})
	}
	may := func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Vault-Token") != "good" || r.Header.Get("X-Vault-Namespace") != w.env["VAULT_NAMESPACE"] || r.Header.Get("X-Scheme") != "https" {
			errors(rw, 403, "permission denied")
			return false
		}
		return true
	}
	w.mux.HandleFunc("GET vault.example/v1/sys/internal/ui/mounts/{path...}", func(rw http.ResponseWriter, r *http.Request) {
		if !may(rw, r) {
			return
		}
		mount, options := "secret/", map[string]string{"version": "2"}
		if strings.HasPrefix(r.PathValue("path"), "kv/one/") {
			mount, options = "kv/one/", nil
		}
		if strings.HasPrefix(r.PathValue("path"), "old/") {
			errors(rw, 404)
			return
		}
		answer(rw, 200, map[string]any{"data": map[string]any{"path": mount, "options": options}})
	})
	w.mux.HandleFunc("GET vault.example/v1/secret/data/{path...}", func(rw http.ResponseWriter, r *http.Request) {
		if !may(rw, r) {
			return
		}
		switch r.PathValue("path") {
		case "app/db", "app with space/db":
			answer(rw, 200, map[string]any{"data": map[string]any{"data": map[string]any{"password": "hunter2 " + r.FormValue("version"), "port": 5432, "list": []int{1}}, "metadata": map[string]any{"version": 3}}})
		case "one":
			answer(rw, 200, map[string]any{"data": map[string]any{"data": map[string]any{"only": "x"}}})
		case "deleted":
			answer(rw, 200, map[string]any{"data": map[string]any{"data": nil, "metadata": map[string]any{"deletion_time": "2026-01-01T00:00:00Z"}}})
		case "denied":
			errors(rw, 403, "1 error occurred:\n\t* permission denied\n\n")
		default:
			errors(rw, 404)
		}
	})
	plain := func(rw http.ResponseWriter, r *http.Request) {
		if may(rw, r) {
			answer(rw, 200, map[string]any{"data": map[string]any{"password": "first"}})
		}
	}
	w.mux.HandleFunc("GET vault.example/v1/kv/one/app", plain)
	w.mux.HandleFunc("GET vault.example/v1/old/app", plain)
	w.mux.HandleFunc("POST vault.example/v1/auth/{mount}/login", func(rw http.ResponseWriter, r *http.Request) {
		var in map[string]string
		_ = json.NewDecoder(r.Body).Decode(&in)
		switch {
		case r.PathValue("mount") == "approle" && in["role_id"] == "r" && in["secret_id"] == "s":
		case r.PathValue("mount") == "k8s" && in["role"] == "yagura" && in["jwt"] == "jwt":
		default:
			errors(rw, 400, "invalid role or secret ID")
			return
		}
		answer(rw, 200, map[string]any{"auth": map[string]any{"client_token": "good"}})
	})
	w.want(t, "ref+vault://secret/app/db?field=password", "!nobody to log in as")
	w.env["VAULT_TOKEN"] = "bad"
	w.want(t, "ref+vault://secret/app/db?field=password", "!permission denied")
	w.env["VAULT_TOKEN"] = "good"
	for ref, want := range map[string]string{
		"ref+vault://secret/app/db?field=password":            "hunter2 ",
		"ref+vault://secret/app/db?field=password&version=2":  "hunter2 2",
		"ref+vault://secret/data/app/db?field=password":       "hunter2 ",
		"ref+vault://secret/app%20with%20space/db?field=port": "5432",
		"ref+vault://secret/app/db?field=port":                "5432",
		"ref+vault://secret/one":                              "x",
		"ref+vault://kv/one/app?field=password":               "first",
		"ref+vault://old/app?field=password":                  "first",
		"ref+vault://secret/app/db":                           "!has 3 fields",
		"ref+vault://secret/app/db?field=none":                "!no field",
		"ref+vault://secret/app/db?field=list":                "!not a text",
		"ref+vault://secret/deleted?field=x":                  "!deleted",
		"ref+vault://secret/denied?field=x":                   "!needs read on secret/data/denied",
		"ref+vault://secret/none?field=x":                     "!no such secret",
		"ref+vault://kv/one/app?version=1":                    "!keeps none",
		"ref+vault://secret/app?version=x":                    "!want a number",
		"ref+vault://secret/../sys/x":                         "!want ref+vault",
		"ref+vault://secret/%2e%2e/x":                         "!want ref+vault",
	} {
		w.want(t, ref, want)
	}
	w.env["VAULT_NAMESPACE"] = "team"
	w.want(t, "ref+vault://secret/one", "x")
	delete(w.env, "VAULT_TOKEN")
	w.env["VAULT_ROLE_ID"], w.env["VAULT_SECRET_ID"] = "r", "wrong"
	w.want(t, "ref+vault://secret/one", "!log in at auth/approle/login")
	dir := t.TempDir()
	write := func(name, text string) string {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	w.env["VAULT_SECRET_ID"], w.env["VAULT_SECRET_ID_FILE"] = "", write("sid", "s\n")
	w.want(t, "ref+vault://secret/one", "x")
	delete(w.env, "VAULT_ROLE_ID")
	w.env["VAULT_KUBERNETES_ROLE"], w.env["VAULT_KUBERNETES_MOUNT"], w.env["VAULT_KUBERNETES_TOKEN_FILE"] = "yagura", "k8s", write("jwt", "jwt")
	w.want(t, "ref+vault://secret/one", "x")
	delete(w.env, "VAULT_KUBERNETES_ROLE")
	w.env["HOME"] = dir
	write(".vault-token", "good")
	w.want(t, "ref+vault://secret/one", "x")
	for _, bad := range []string{"", "vault.example", "http://vault.example:8200", "https://u:p@vault.example"} {
		w.env["VAULT_ADDR"] = bad
		w.want(t, "ref+vault://secret/one", "!VAULT_ADDR")
	}
	w.env["VAULT_ADDR"], w.env["VAULT_CACERT"] = "https://vault.example", write("ca", "x")
	w.want(t, "ref+vault://secret/one", "!VAULT_CACERT")
}

// Tokens for other services come from where those for secrets do.
func TestTokens(t *testing.T) {
	w := world(t)
	n := 0
	w.mux.HandleFunc("metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token", func(rw http.ResponseWriter, _ *http.Request) {
		n++
		answer(rw, 200, map[string]any{"access_token": fmt.Sprint("ya29.", n)})
	})
	w.mux.HandleFunc("GET 169.254.169.254/metadata/identity/oauth2/token", func(rw http.ResponseWriter, r *http.Request) {
		answer(rw, 200, map[string]any{"access_token": "machine " + r.FormValue("resource")})
	})
	w.mux.HandleFunc("POST login.microsoftonline.us/my-tenant/oauth2/v2.0/token", func(rw http.ResponseWriter, r *http.Request) {
		answer(rw, 200, map[string]any{"access_token": "client " + r.FormValue("scope")})
	})
	for _, want := range []string{"ya29.1", "ya29.2"} {
		got, ends, err := secret.GoogleToken(w.o)(t.Context())
		if err != nil || got != want || !ends.After(w.o.Now()) {
			t.Errorf("%q %v %v", got, ends, err)
		}
	}
	if got, _, err := secret.AzureToken(w.o, "https://storage.azure.com")(t.Context()); err != nil || got != "machine https://storage.azure.com" {
		t.Errorf("%q %v", got, err)
	}
	w.env["AZURE_TENANT_ID"], w.env["AZURE_CLIENT_ID"], w.env["AZURE_CLIENT_SECRET"] = "my-tenant", "me", "hunter2"
	if got, _, err := secret.AzureToken(w.o, "https://acct1.blob.core.usgovcloudapi.net")(t.Context()); err != nil || got != "client https://acct1.blob.core.usgovcloudapi.net/.default" {
		t.Errorf("%q %v", got, err)
	}
	if _, _, err := secret.AzureToken(w.o, "http://evil.example")(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
