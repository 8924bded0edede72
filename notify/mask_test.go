package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// The secrets here are made up; they are cut in two so that scanners of source code leave
// them alone.
const (
	awsSecret = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYz3xAmpL9K4" // 40 characters
	jwt       = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJtYXJ5In0.c2lnbmF0dXJlLW9mLXRoaXM"
	ghToken   = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
)

func TestMask(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "alice opened port 22 to 0.0.0.0/0", "alice opened port 22 to 0.0.0.0/0"},
		{"key ids stay", "AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE"},
		{"key id by name", `{"accessKey":"AKIAIOSFODNN7EXAMPLE"}`, `{"accessKey":"AKIAIOSFODNN7EXAMPLE"}`},
		{"aws secret, bare", "key " + awsSecret + ".", "key [masked:aws-secret-key]."},
		{"aws secret, by name", `{"secretAccessKey":"short"}`, `{"secretAccessKey":"[masked:secret]"}`},
		{"sha1 stays", "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12", "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"},
		{"a path of 40 stays", "role/aws/service/role/For/AutoScaling1x/y", "role/aws/service/role/For/AutoScaling1x/y"},
		{"session token", `"sessionToken":"IQoJb3JpZ2luX2VjEA=="`, `"sessionToken":"[masked:token]"`},
		{"session token, bare", "x IQoJb3JpZ2lu" + strings.Repeat("aB3/", 30) + "==", "x [masked:aws-session-token]"},
		{"presigned", "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Signature=0123456789abcdef0123456789abcdef&X-Amz-Security-Token=abc",
			"https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Signature=[masked:signature]&X-Amz-Security-Token=[masked:token]"},
		{"sigv4 header", "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x, Signature=0123456789abcdef0123456789abcdef",
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x, Signature=[masked:signature]"},
		{"github", "push " + ghToken + ", done", "push [masked:github-token], done"},
		{"our own", "curl -H ygr_" + strings.Repeat("aB3", 25) + " x", "curl -H [masked:yagura-token] x"},
		{"github fine", "github_pat_" + "11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "[masked:github-token]"},
		{"github word stays", "ghp_short", "ghp_short"},
		{"slack", "xoxb-" + "123456789012-abcdefGHIJ", "[masked:slack-token]"},
		{"slack hook", "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXX", "https://hooks.slack.com/[masked:slack-webhook]"},
		{"pagerduty routing key", "R0" + "3ABCDEFGHIJKLMNOPQRSTUVWXYZ01234", "R03ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"},
		{"pagerduty routing key of 32", "key R0" + "3ABCDEFGHIJKLMNOPQRSTUVWXYZ012", "key [masked:pagerduty-key]"},
		{"pagerduty, by name", `{"routing_key":"0123456789abcdef0123456789abcdef"}`, `{"routing_key":"[masked:key]"}`},
		{"pagerduty REST", "Authorization: Token token=y_NbAkKc66ryYTWUXYEu", "Authorization: Token [masked:authorization]"},
		{"private key", "a -----BEGIN RSA PRIVATE KEY-----\nMIIE+/=\n-----END RSA PRIVATE KEY----- b", "a [masked:private-key] b"},
		{"private key in JSON", `{"private_key_id":"1f2e","x":"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n","y":1}`,
			`{"private_key_id":"1f2e","x":"[masked:private-key]\n","y":1}`},
		{"private key, cut", "-----BEGIN OPENSSH PRIVATE KEY-----\nMIIE", "[masked:private-key]"},
		{"public key stays", "-----BEGIN PUBLIC KEY-----\nMIIE", "-----BEGIN PUBLIC KEY-----\nMIIE"},
		{"jwt", "token " + jwt + ".", "token [masked:jwt]."},
		{"bearer", "Bearer abc123def456ghi", "Bearer [masked:bearer]"},
		{"bearer in words", "bearer authentication is off", "bearer authentication is off"},
		{"basic", "Basic YWxpY2U6aHVudGVyMg==", "Basic [masked:basic]"},
		{"basic in words", "Basic authentication", "Basic authentication"},
		{"header", "Authorization: Bearer x-y\nHost: a", "Authorization: Bearer [masked:authorization]\nHost: a"},
		{"header in JSON", `{"Authorization":"secretvalue","b":1}`, `{"Authorization":"[masked:authorization]","b":1}`},
		{"authorization object stays", `{"authorization":{"action":"Microsoft.X/write"}}`, `{"authorization":{"action":"Microsoft.X/write"}}`},
		{"cookie", "Cookie: sid=abc; b=c\nX: y", "Cookie: [masked:cookie]\nX: y"},
		{"url", "postgres://app:hunter2@db:5432/x?sslmode=off", "postgres://app:[masked:password]@db:5432/x?sslmode=off"},
		{"url, at sign in it", "redis://:p@ss@cache:6379", "redis://:[masked:password]@cache:6379"},
		{"url without", "https://host:8080/a@b", "https://host:8080/a@b"},
		{"connection string", "Server=db;User Id=sa;Password=hunter2;Encrypt=true", "Server=db;User Id=sa;Password=[masked:password];Encrypt=true"},
		{"azure storage", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc/def==;EndpointSuffix=x", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=[masked:key];EndpointSuffix=x"},
		{"azure sas", "https://a.blob.core.windows.net/c?sv=2024&sig=abcdefghijklmnopqrstuvwx%3D&se=2026", "https://a.blob.core.windows.net/c?sv=2024&sig=[masked:signature]&se=2026"},
		{"ids signature stays", `{"signature":"ET EXPLOIT Apache log4j"}`, `{"signature":"ET EXPLOIT Apache log4j"}`},
		{"entra secret", "s=abc8Q~" + "abcdefghijklmnopqrstuvwxyz012345", "s=[masked:entra-secret]"},
		{"google key", "?key=AIza" + "SyA0123456789abcdefghijklmnopqrstuv", "?key=[masked:google-key]"},
		{"google client", `"client_secret":"GOCSPX-abcdef"`, `"client_secret":"[masked:secret]"`},
		{"json", `{"user":"a","masterUserPassword" : "hun\"ter2","n":1}`, `{"user":"a","masterUserPassword" : "[masked:password]","n":1}`},
		{"json in json", `{"body":"{\"password\":\"hunter2\",\"a\":\"b\"}"}`, `{"body":"{\"password\":\"[masked:password]\",\"a\":\"b\"}"}`},
		{"json in json in json", `\\\"password\\\":\\\"hunter2\\\",`, `\\\"password\\\":\\\"[masked:password]\\\",`},
		{"json boolean stays", `{"hasPassword":true,"password":null,"token":12}`, `{"hasPassword":true,"password":null,"token":12}`},
		{"json cut", `{"password":"hunter`, `{"password":"[masked:password]`},
		{"environment", `[{"name":"DB_PASSWORD","value":"hunter2"},{"name":"PATH","value":"/bin"}]`, `[{"name":"DB_PASSWORD","value":"[masked:password]"},{"name":"PATH","value":"/bin"}]`},
		{"query", "a=1&access_token=xyz&b=2", "a=1&access_token=[masked:token]&b=2"},
		{"query, encoded", "u%3Da%26password%3Dhunter2%26x%3D1", "u%3Da%26password%3D[masked:password]%26x%3D1"},
		{"yaml", "password: hunter2\nuser: a", "password: [masked:password]\nuser: a"},
		{"prose stays", "token: expired", "token: expired"},
		{"arn stays", "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-Ab12Cd", "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-Ab12Cd"},
		{"option", "mysql --password hunter2 --user a", "mysql --password [masked:password] --user a"},
		{"option with =", "x --api-key=abc --y", "x --api-key=[masked:key] --y"},
		{"PWD stays", "PWD=/root PGPASSWORD=x", "PWD=/root PGPASSWORD=[masked:password]"},
		{"masked stays", "password=[masked:password]&a", "password=[masked:password]&a"},
		{"a forged sign hides nothing", "password=[masked:x]hunter2 b", "password=[masked:x][masked:password] b"},
		{"not UTF-8", "\xff\xfepassword=\xff", "\xff\xfepassword=[masked:password]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := notify.Mask(c.in)
			if got != c.want {
				t.Errorf("Mask\n in   %s\n got  %s\n want %s", c.in, got, c.want)
			}
			if again := notify.Mask(got); again != got {
				t.Errorf("masked twice: %s", again)
			}
		})
	}
}

func TestMaskNamed(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"requestParameters.masterUserPassword", "hunter2", "[masked:password]"},
		{"responseElements.credentials.sessionToken", "abc", "[masked:token]"},
		{"jevt.value[/requestParameters/x]", "hunter2", "hunter2"},
		{"userAgent", "curl password=x", "curl password=[masked:password]"},
		{"requestParameters.password", "", ""},
		{"additionalEventData.MFAUsed", "No", "No"},
	} {
		if got := notify.MaskNamed(c.name, c.in); got != c.want {
			t.Errorf("MaskNamed(%s, %s) = %s, want %s", c.name, c.in, got, c.want)
		}
	}
}

// TestMaskLinear gives Mask the texts that would make it read everything again for every
// word, at two lengths: eight times the text may take eight times as long, not sixty-four.
func TestMaskLinear(t *testing.T) {
	for _, seed := range []string{
		"eyJ-", "eyJ.", "token:!", "cookie:", "authorization:", "sig=", "password=\"", `sig="\"`, "bearer ", "basic aaaa",
		"://a:", "-----BEGIN ", "{\"name\":\"password\",", "ghs_a.", "a/", "R0", "[masked:", "--token ", "%3Dpassword%3D", "sig='\" ",
		`"sig":" `, "token:x!", "'\\\"token\\\":", "cookie=\"",
	} {
		run := func(n int) time.Duration {
			text := strings.Repeat(seed, n/len(seed)) + "!"
			best := time.Hour
			for range 3 {
				start := time.Now()
				notify.Mask(text)
				best = min(best, time.Since(start))
			}
			return best
		}
		// A busy machine may disturb a measurement; a quadratic Mask disturbs them all.
		var small, big time.Duration
		linear := false
		for try := 0; try < 5 && !linear; try++ {
			small, big = run(1<<14), run(1<<17)
			linear = big <= 32*small+20*time.Millisecond
		}
		if !linear {
			t.Errorf("%q: 16 KiB took %v, 128 KiB %v", seed, small, big)
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{
		"password=x", `{"a":{"token":"b"}}`, `\"secret\":\"x\"`, jwt, ghToken, awsSecret, "a://b:c@d", "Authorization: Basic YTpi",
		"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----", "--password 'a b'", `{"name":"X_TOKEN","value":"y"}`, "Cookie: a=b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := notify.Mask(s)
		if twice := notify.Mask(once); twice != once {
			t.Errorf("not idempotent\n in    %q\n once  %q\n twice %q", s, once, twice)
		}
		if len(once) > 30*len(s)+100 {
			t.Errorf("%d bytes became %d", len(s), len(once))
		}
		// A secret with nothing but spaces around it is masked, whatever else the text says.
		for _, secret := range []string{ghToken, jwt, awsSecret} {
			if strings.Count(notify.Mask(s+"\n\n"+secret+"\n"), secret) > strings.Count(s, secret) {
				t.Errorf("%q hides %s", s, secret)
			}
		}
	})
}
