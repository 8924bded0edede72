package recheck_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/recheck"
	"github.com/yagura-sec/yagura/recheck/rechecktest"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	admin   = "dd3dd7f7-d9f6-4202-8530-2362b10c63f4"
	disk    = "076ca0e2-53f7-4264-a5e1-25c7e48a1657"
	image   = "24d3377a-611c-4885-aeec-b14a2bb8c0e9"
	rds     = "5d44b137-b636-4587-bfed-431abba131be"
	guard   = "0846ea80-4e0e-4880-a811-22b4c5aef900"
	public  = "777eef25-9460-46a3-bb0d-8e883b28e4bf"
)

func issue(rule, parts string) *yagura.Issue {
	return &yagura.Issue{Kind: yagura.Posture, Format: "aws.cloudtrail", Account: account, Rule: yagura.RuleRef{ID: rule}, CauseKey: "v1|-|" + account + "|" + rule + parts,
		Latest: &yagura.Finding{Event: yagura.EventRef{Region: region}}}
}

const ssh = " group=sg-1 protocol=tcp from=22 to=22 cidr=0.0.0.0/0"

// TestTargetOf: what is not one known thing is not asked about.
func TestTargetOf(t *testing.T) {
	good := issue(admin, ssh)
	if x, ok := recheck.TargetOf(good); !ok || x.ID != "sg-1" || x.Protocol != "tcp" || x.From != 22 || x.Network.String() != "0.0.0.0/0" || x.Region != region {
		t.Fatalf("%+v %v", x, ok)
	}
	for name, alter := range map[string]func(*yagura.Issue){
		"behaviour":        func(is *yagura.Issue) { is.Kind = yagura.Behaviour },
		"another rule":     func(is *yagura.Issue) { is.Rule.ID = "mine" },
		"another account":  func(is *yagura.Issue) { is.Account = "444455556666" },
		"no region":        func(is *yagura.Issue) { is.Latest.Event.Region = "" },
		"a host as region": func(is *yagura.Issue) { is.Latest.Event.Region = "x.example.com/" },
		"no finding":       func(is *yagura.Issue) { is.Latest = nil },
		"folded":           func(is *yagura.Issue) { is.CauseKey = "v1|-|" + account + "|fold: rule=x" },
		"by name":          func(is *yagura.Issue) { is.CauseKey = strings.Replace(is.CauseKey, "sg-1", "web", 1) },
		"several":          func(is *yagura.Issue) { is.CauseKey = strings.Replace(is.CauseKey, "22", "22,80", 1) },
		"both networks":    func(is *yagura.Issue) { is.CauseKey += " cidr6=::/0" },
		"no ports":         func(is *yagura.Issue) { is.CauseKey = strings.Replace(is.CauseKey, " from=22", "", 1) },
		"no protocol":      func(is *yagura.Issue) { is.CauseKey = strings.Replace(is.CauseKey, " protocol=tcp", "", 1) },
		"quoted":           func(is *yagura.Issue) { is.CauseKey = strings.Replace(is.CauseKey, "sg-1", `"sg 1"`, 1) },
		"broken quote":     func(is *yagura.Issue) { is.CauseKey += ` x="` },
	} {
		is := issue(admin, ssh)
		alter(is)
		if x, ok := recheck.TargetOf(is); ok {
			t.Errorf("%s: %+v", name, x)
		}
	}
	if _, ok := recheck.TargetOf(issue(guard, "")); ok {
		t.Error("the guard of an account has no bucket to ask about")
	}
}

func FuzzTargetOf(f *testing.F) {
	f.Add(admin, ssh)
	f.Add(rds, " requestParameters.dBSnapshotIdentifier=a with=all")
	f.Add(public, ` requestParameters.bucketName="a b"`)
	f.Fuzz(func(t *testing.T, rule, parts string) {
		x, ok := recheck.TargetOf(issue(rule, parts))
		if ok && (x.ID == "" || strings.ContainsAny(x.ID, " \"/&=%\n") || x.Account != account) {
			t.Errorf("%+v", x)
		}
	})
}

// bench is a reader on the fake.
func bench(t *testing.T) (*rechecktest.AWS, *recheck.Reader) {
	fake := rechecktest.New(t)
	return fake, &recheck.Reader{Endpoint: fake.URL, Now: time.Now, As: func(id string) aws.Config {
		return aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider(fake.Key(id), "secret", "token-"+fake.Key(id)),
			HTTPClient: http.DefaultClient, Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	}}
}

func read(t *testing.T, r *recheck.Reader, rule, parts string) (recheck.Answer, error) {
	t.Helper()
	x, ok := recheck.TargetOf(issue(rule, parts))
	if !ok {
		t.Fatalf("no target: %s", parts)
	}
	return r.Read(t.Context(), x)
}

// TestRead asks about every kind: it is so, it is fixed, it is gone, and whatever else is an
// error.
func TestRead(t *testing.T) {
	fake, r := bench(t)
	yes, no := true, false
	entry := func(e ...rechecktest.Entry) func() { return func() { fake.PutGroup(account, region, "sg-1", e...) } }
	share := func(id string, with ...string) func() { return func() { fake.Share(account, region, id, with...) } }
	bucket := func(b rechecktest.Bucket) func() { return func() { fake.PutBucket(account, region, "data", b) } }
	world := rechecktest.Entry{Protocol: "tcp", From: 22, To: 22, Network: "0.0.0.0/0"}
	near := []rechecktest.Entry{{Protocol: "tcp", From: 22, To: 22, Network: "::/0"}, {Protocol: "udp", From: 22, To: 22, Network: "0.0.0.0/0"},
		{Protocol: "tcp", From: 22, To: 23, Network: "0.0.0.0/0"}, {Protocol: "tcp", From: 22, To: 22, Network: "10.0.0.0/8"},
		{Protocol: "tcp", From: 22, To: 22, Network: "0.0.0.0/0", Egress: true}, {Protocol: "-1", Network: "0.0.0.0/0"}}
	snap, org := " requestParameters.snapshotId=snap-1 ", "arn:aws:organizations::777788889999:ou/o-a/ou-b"
	for _, c := range []struct {
		name, rule, parts string
		set               func()
		want              recheck.State
	}{
		{"entry", admin, ssh, entry(append(near, world)...), recheck.Open},
		{"no entry", admin, ssh, entry(near...), recheck.Fixed},
		{"an empty group", admin, ssh, entry(), recheck.Fixed},
		{"by number", admin, " group=sg-1 protocol=6 from=22 to=22 cidr=0.0.0.0/0", entry(world), recheck.Open},
		{"all protocols", admin, " group=sg-1 protocol=-1 cidr6=::/0", entry(rechecktest.Entry{Protocol: "-1", Network: "::/0"}), recheck.Open},
		{"no group", admin, " group=sg-9 protocol=-1 cidr6=::/0", nil, recheck.Gone},
		{"snapshot, everybody", disk, snap + "group=all", share("snap-1", "444455556666", "all"), recheck.Open},
		{"snapshot, account", disk, snap + "with=444455556666", nil, recheck.Open},
		{"snapshot, another", disk, snap + "with=999900001111", nil, recheck.Fixed},
		{"snapshot, nobody", disk, snap + "group=all", share("snap-1"), recheck.Fixed},
		{"no snapshot", disk, " requestParameters.snapshotId=snap-9 group=all", nil, recheck.Gone},
		{"image, unit", image, " requestParameters.imageId=ami-1 unit=" + org, share("ami-1", org), recheck.Open},
		{"image, nobody", image, " requestParameters.imageId=ami-1 group=all", nil, recheck.Fixed},
		{"no image", image, " requestParameters.imageId=ami-9 group=all", nil, recheck.Gone},
		{"database", rds, " requestParameters.dBSnapshotIdentifier=nightly with=all", share("db:nightly", "all"), recheck.Open},
		{"database, nobody", rds, " requestParameters.dBSnapshotIdentifier=nightly with=all", share("db:nightly"), recheck.Fixed},
		{"no database", rds, " requestParameters.dBSnapshotIdentifier=x with=all", nil, recheck.Gone},
		{"cluster", rds, " requestParameters.dBClusterSnapshotIdentifier=nightly with=444455556666", share("cluster:nightly", "444455556666"), recheck.Open},
		{"no cluster", rds, " requestParameters.dBClusterSnapshotIdentifier=x with=all", nil, recheck.Gone},
		{"no guard", guard, " requestParameters.bucketName=data", bucket(rechecktest.Bucket{}), recheck.Open},
		{"half a guard", guard, " requestParameters.bucketName=data", bucket(rechecktest.Bucket{Block: &[4]bool{true, true, false, true}}), recheck.Open},
		{"guard", guard, " requestParameters.bucketName=data", bucket(rechecktest.Bucket{Block: &[4]bool{true, true, true, true}, Public: &yes}), recheck.Fixed},
		{"public policy", public, " requestParameters.bucketName=data", nil, recheck.Open},
		{"policy", public, " requestParameters.bucketName=data", bucket(rechecktest.Bucket{Public: &no}), recheck.Fixed},
		{"no policy", public, " requestParameters.bucketName=data", bucket(rechecktest.Bucket{}), recheck.Fixed},
		{"no bucket", public, " requestParameters.bucketName=none", nil, recheck.Gone},
	} {
		if c.set != nil {
			c.set()
		}
		if a, err := read(t, r, c.rule, c.parts); err != nil || a.State != c.want || a.Text == "" {
			t.Errorf("%s: %+v %v, want %s", c.name, a, err, c.want)
		}
	}
	// Another's bucket, and one of another region, are no answer.
	fake.PutBucket("444455556666", region, "theirs", rechecktest.Bucket{})
	fake.PutBucket("444455556666", region, "lent", rechecktest.Bucket{Lent: true, Block: &[4]bool{true, true, true, true}})
	fake.PutBucket(account, "us-east-1", "far", rechecktest.Bucket{})
	for _, name := range []string{"theirs", "lent", "far"} {
		for _, rule := range []string{public, guard} {
			if a, err := read(t, r, rule, " requestParameters.bucketName="+name); err == nil {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
}

// TestNoAnswer: whatever is not an answer is an error, for every kind.
func TestNoAnswer(t *testing.T) {
	fake, r := bench(t)
	fake.PutGroup(account, region, "sg-1")
	kinds := map[string][2]string{"ec2": {admin, ssh}, "rds": {rds, " requestParameters.dBSnapshotIdentifier=nightly with=all"}, "s3": {public, " requestParameters.bucketName=data"}}
	answer := func(status int, body string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, _ string) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	fault := func(status int, code string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, service string) { rechecktest.Fault(w, service, status, code) }
	}
	for name, how := range map[string]func(http.ResponseWriter, string){
		"throttled": fault(503, "RequestLimitExceeded"), "rate": fault(400, "Throttling"), "denied": fault(403, "AccessDenied"), "denied by EC2": fault(403, "UnauthorizedOperation"),
		"broken": fault(500, "InternalError"), "expired": fault(400, "ExpiredToken"), "hidden": fault(404, "AccessDenied"),
		"not found with another status": fault(503, "InvalidGroup.NotFound"), "no bucket with another status": fault(500, "NoSuchBucket"), "no snapshot with another status": fault(500, "DBSnapshotNotFound"),
		"a bare 404": answer(404, ""), "a page of a proxy": answer(200, "<html><body>log in</body></html>"), "nothing": answer(200, ""), "half": answer(200, `<DescribeSecurityGroupsResponse><securityGroupInfo>`),
		"another answer": answer(200, `<DescribeVolumesResponse/>`), "an empty list": answer(200, `<DescribeSecurityGroupsResponse><securityGroupInfo/></DescribeSecurityGroupsResponse>`),
		"more":          answer(200, `<DescribeSecurityGroupsResponse><nextToken>x</nextToken><securityGroupInfo><item><ownerId>111122223333</ownerId><groupId>sg-1</groupId><ipPermissions/></item></securityGroupInfo></DescribeSecurityGroupsResponse>`),
		"another group": answer(200, `<DescribeSecurityGroupsResponse><securityGroupInfo><item><ownerId>111122223333</ownerId><groupId>sg-2</groupId><ipPermissions/></item></securityGroupInfo></DescribeSecurityGroupsResponse>`),
		"no entries":    answer(200, `<DescribeSecurityGroupsResponse><securityGroupInfo><item><ownerId>111122223333</ownerId><groupId>sg-1</groupId></item></securityGroupInfo></DescribeSecurityGroupsResponse>`),
		"large":         answer(200, "<x>"+strings.Repeat("a", 5<<20)+"</x>"),
		"two answers":   answer(200, `<DescribeSecurityGroupsResponse><securityGroupInfo><item><ownerId>111122223333</ownerId><groupId>sg-1</groupId><ipPermissions/></item></securityGroupInfo></DescribeSecurityGroupsResponse><x/>`),
		"cut off":       func(http.ResponseWriter, string) { panic(http.ErrAbortHandler) },
	} {
		fake.Before(func(w http.ResponseWriter, _ *http.Request, action string) bool {
			service, _, _ := strings.Cut(action, ":")
			how(w, service)
			return true
		})
		for service, k := range kinds {
			a, err := read(t, r, k[0], k[1])
			if e := (*recheck.Error)(nil); !errors.As(err, &e) || a != (recheck.Answer{}) {
				t.Errorf("%s, %s: %+v %v", name, service, a, err)
			}
		}
	}
	fake.Before(nil)
	if a, err := read(t, r, admin, ssh); err != nil || a.State != recheck.Fixed {
		t.Errorf("afterwards: %+v %v", a, err)
	}
	good := r.As
	r.As = func(id string) aws.Config {
		cfg := good(id)
		cfg.Credentials = credentials.NewStaticCredentialsProvider(fake.Key(id), "wrong", "token-"+fake.Key(id))
		return cfg
	}
	if a, err := read(t, r, admin, ssh); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("signed by somebody else: %+v %v", a, err)
	}
	r.As = good
	ctx, cancel := context.WithCancel(t.Context())
	fake.Before(func(_ http.ResponseWriter, req *http.Request, _ string) bool {
		cancel() // the service says nothing until the caller has left
		<-req.Context().Done()
		return true
	})
	x, _ := recheck.TargetOf(issue(admin, ssh))
	if a, err := r.Read(ctx, x); err == nil {
		t.Errorf("cancelled: %+v", a)
	}
}

// FuzzAnswer: no answer of a service makes a panic, and one that does not name the group
// never says that it is fixed.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`<DescribeSecurityGroupsResponse><securityGroupInfo><item><ownerId>111122223333</ownerId><groupId>sg-1</groupId><ipPermissions/></item></securityGroupInfo></DescribeSecurityGroupsResponse>`), 200)
	f.Add([]byte(`<Response><Errors><Error><Code>InvalidGroup.NotFound</Code></Error></Errors></Response>`), 400)
	f.Add([]byte(`<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>`), 403)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		if status < 200 || status > 599 {
			status = 200
		}
		r := &recheck.Reader{Now: time.Now, As: func(string) aws.Config {
			return aws.Config{Credentials: credentials.NewStaticCredentialsProvider("A", "s", ""), HTTPClient: canned{status, body}}
		}}
		x, _ := recheck.TargetOf(issue(admin, ssh))
		a, err := r.Read(context.Background(), x)
		switch {
		case err != nil:
		case a.State == recheck.Fixed && (!strings.Contains(string(body), "sg-1") || status != 200),
			a.State == recheck.Gone && (!strings.Contains(string(body), "InvalidGroup.NotFound") || status != 400):
			t.Errorf("%d %s: %+v", status, body, a)
		}
	})
}

// canned answers everything with one answer.
type canned struct {
	status int
	body   []byte
}

// Do answers.
func (c canned) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.body))}, nil
}
