package rechecktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Entry is an entry of a security group.
type Entry struct {
	Protocol string
	From, To int
	Network  string
	Egress   bool
}

// Bucket is a bucket: its guard (nil: none) and whether its policy is public (nil: no policy).
// Lent says that its owner lets other accounts ask.
type Bucket struct {
	Block  *[4]bool
	Public *bool
	Lent   bool
}

// AWS is the fake.
type AWS struct {
	*httptest.Server
	mu      sync.Mutex
	roles   map[string]string // external id by ARN
	keys    map[string]string // account by access key
	groups  map[string][]Entry
	shares  map[string][]string // of snap-…, ami-…, db:…, cluster:…
	buckets map[string]Bucket   // by account/region/name
	denied  map[string]bool     // actions
	before  func(w http.ResponseWriter, r *http.Request, action string) bool
	calls   []string
}

// New serves it.
func New(t testing.TB) *AWS {
	a := &AWS{roles: map[string]string{}, keys: map[string]string{}, groups: map[string][]Entry{}, shares: map[string][]string{}, buckets: map[string]Bucket{}, denied: map[string]bool{}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(func() {
		a.CloseClientConnections()
		a.Close()
	})
	return a
}

func place(account, region, id string) string { return account + "/" + region + "/" + id }

// Trust makes a role that whoever gives the external id may take on.
func (a *AWS) Trust(arn, external string) { a.with(func() { a.roles[arn] = external }) }

// Key is an access key of an account, with the session token "token-" and itself.
func (a *AWS) Key(account string) string {
	key := "AKIA" + account
	a.with(func() { a.keys[key] = account })
	return key
}

// PutGroup makes or replaces a security group.
func (a *AWS) PutGroup(account, region, id string, entries ...Entry) {
	a.with(func() { a.groups[place(account, region, id)] = entries })
}

// Share says whom a snapshot (snap-…), image (ami-…), database snapshot (db:…) or cluster
// snapshot (cluster:…) is shared with.
func (a *AWS) Share(account, region, id string, with ...string) {
	a.with(func() { a.shares[place(account, region, id)] = with })
}

// PutBucket makes or replaces a bucket.
func (a *AWS) PutBucket(account, region, name string, b Bucket) {
	a.with(func() { a.buckets[place(account, region, name)] = b })
}

// Remove takes away whatever has an id.
func (a *AWS) Remove(account, region, id string) {
	a.with(func() {
		delete(a.groups, place(account, region, id))
		delete(a.shares, place(account, region, id))
		delete(a.buckets, place(account, region, id))
	})
}

// Deny says whether an action is denied, by its IAM name.
func (a *AWS) Deny(action string, denied bool) { a.with(func() { a.denied[action] = denied }) }

// Before sees each request first, and answers it when it returns true; nil takes it away.
func (a *AWS) Before(f func(w http.ResponseWriter, r *http.Request, action string) bool) {
	a.with(func() { a.before = f })
}

// Calls lists what was asked: account region action id.
func (a *AWS) Calls() (list []string) {
	a.with(func() { list = slices.Clone(a.calls) })
	return list
}

func (a *AWS) with(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

var credential = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}$`)

func (a *AWS) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	m := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	form, err := url.ParseQuery(string(body))
	switch {
	case m == nil || err != nil:
		fault(w, "", http.StatusForbidden, "MissingAuthenticationToken")
	case !signed(r, m, body):
		fault(w, m[3], http.StatusForbidden, "SignatureDoesNotMatch")
	case m[3] == "s3":
		a.bucket(w, r, m[1], m[2])
	case r.Method != http.MethodPost || r.URL.Path != "/" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		fault(w, m[3], http.StatusBadRequest, "InvalidAction")
	default:
		a.query(w, r, m[1], m[2], m[3], form)
	}
}

// signed reports whether a request is signed with the secret of its key, which is "secret"
// for all, over what it holds.
func signed(r *http.Request, m []string, body []byte) bool {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	again, errNew := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil || errNew != nil {
		return false
	}
	for name := range strings.SplitSeq(m[4], ";") {
		if values := r.Header.Values(name); len(values) > 0 && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if got := r.Header.Get("X-Amz-Content-Sha256"); got != "" && got != hash {
		return false
	}
	creds := aws.Credentials{AccessKeyID: m[1], SecretAccessKey: "secret", SessionToken: r.Header.Get("X-Amz-Security-Token")}
	err = v4.NewSigner().SignHTTP(context.Background(), creds, again, hash, m[3], m[2], at, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = m[3] == "s3" })
	return err == nil && again.Header.Get("Authorization") == r.Header.Get("Authorization")
}

// query answers STS, EC2 and RDS.
func (a *AWS) query(w http.ResponseWriter, r *http.Request, key, region, service string, form url.Values) {
	action := form.Get("Action")
	want := map[string]string{"sts": "2011-06-15", "ec2": "2016-11-15", "rds": "2014-10-31"}[service]
	known := map[string][]string{"sts/AssumeRole": {"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"}, "ec2/DescribeSecurityGroups": {"GroupId.1"},
		"ec2/DescribeSnapshotAttribute": {"SnapshotId", "Attribute"}, "ec2/DescribeImageAttribute": {"ImageId", "Attribute"},
		"rds/DescribeDBSnapshotAttributes": {"DBSnapshotIdentifier"}, "rds/DescribeDBClusterSnapshotAttributes": {"DBClusterSnapshotIdentifier"}}[service+"/"+action]
	if want == "" || form.Get("Version") != want || known == nil {
		fault(w, service, http.StatusBadRequest, "InvalidAction")
		return
	}
	for name := range form {
		if name != "Action" && name != "Version" && !slices.Contains(known, name) {
			fault(w, service, http.StatusBadRequest, "UnknownParameter")
			return
		}
	}
	if service == "sts" {
		a.assume(w, r, form)
		return
	}
	account, answered := a.admit(w, r, key, region, service, service+":"+action, form.Get(known[0]))
	if answered {
		return
	}
	id := form.Get(known[0])
	a.mu.Lock()
	group, isGroup := a.groups[place(account, region, id)]
	name := id
	switch action {
	case "DescribeDBSnapshotAttributes":
		name = "db:" + id
	case "DescribeDBClusterSnapshotAttributes":
		name = "cluster:" + id
	}
	with, isShare := a.shares[place(account, region, name)]
	a.mu.Unlock()
	prefix := map[string]string{"GroupId.1": "sg-", "SnapshotId": "snap-", "ImageId": "ami-"}[known[0]]
	attribute := map[string]string{"SnapshotId": "createVolumePermission", "ImageId": "launchPermission"}[known[0]]
	switch {
	case id == "":
		fault(w, service, http.StatusBadRequest, "MissingParameter")
	case !strings.HasPrefix(id, prefix):
		fault(w, service, http.StatusBadRequest, map[string]string{"sg-": "InvalidGroupId.Malformed", "snap-": "InvalidSnapshotID.Malformed", "ami-": "InvalidAMIID.Malformed"}[prefix])
	case form.Get("Attribute") != attribute:
		fault(w, service, http.StatusBadRequest, "InvalidParameterValue")
	case prefix == "sg-" && isGroup:
		xmlOut(w, http.StatusOK, groupXML(account, id, group))
	case prefix == "sg-":
		fault(w, service, http.StatusBadRequest, "InvalidGroup.NotFound")
	case isShare:
		xmlOut(w, http.StatusOK, shareXML(action, id, with))
	case prefix == "snap-":
		fault(w, service, http.StatusBadRequest, "InvalidSnapshot.NotFound")
	case prefix == "ami-":
		fault(w, service, http.StatusBadRequest, "InvalidAMIID.NotFound")
	case name[:3] == "db:":
		fault(w, service, http.StatusNotFound, "DBSnapshotNotFound")
	default:
		fault(w, service, http.StatusNotFound, "DBClusterSnapshotNotFoundFault")
	}
}

// admit notes a call and says whose it is, or answers it.
func (a *AWS) admit(w http.ResponseWriter, r *http.Request, key, region, service, action, id string) (account string, answered bool) {
	a.mu.Lock()
	account, ok := a.keys[key]
	denied, before := a.denied[action], a.before
	a.calls = append(a.calls, strings.Join([]string{account, region, action, id}, " "))
	a.mu.Unlock()
	if before != nil && before(w, r, action) {
		return "", true
	}
	switch {
	case !ok || r.Header.Get("X-Amz-Security-Token") != "token-"+key:
		fault(w, service, http.StatusForbidden, map[string]string{"ec2": "AuthFailure", "rds": "InvalidClientTokenId", "s3": "InvalidAccessKeyId"}[service])
	case denied:
		fault(w, service, http.StatusForbidden, map[string]string{"ec2": "UnauthorizedOperation", "rds": "AccessDenied", "s3": "AccessDenied"}[service])
	default:
		return account, false
	}
	return "", true
}

func (a *AWS) assume(w http.ResponseWriter, r *http.Request, form url.Values) {
	arn := form.Get("RoleArn")
	a.mu.Lock()
	want, ok := a.roles[arn]
	before := a.before
	a.calls = append(a.calls, "- - sts:AssumeRole "+arn)
	key := fmt.Sprintf("ASIA%016d", len(a.keys)+1)
	if ok = ok && want == form.Get("ExternalId"); ok {
		a.keys[key] = strings.Split(arn, ":")[4]
	}
	a.mu.Unlock()
	if before != nil && before(w, r, "sts:AssumeRole") {
		return
	}
	if !ok {
		fault(w, "sts", http.StatusForbidden, "AccessDenied")
		return
	}
	xmlOut(w, http.StatusOK, fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token-%s</SessionToken><Expiration>%s</Expiration></Credentials><AssumedRoleUser><Arn>%s</Arn><AssumedRoleId>AROA:yagura</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`,
		key, key, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), text(arn)))
}

// bucket answers S3, by path.
func (a *AWS) bucket(w http.ResponseWriter, r *http.Request, key, region string) {
	name := strings.Trim(r.URL.Path, "/")
	action := ""
	switch {
	case r.Method != http.MethodGet || strings.Contains(name, "/"):
	case r.URL.Query().Has("publicAccessBlock"):
		action = "s3:GetBucketPublicAccessBlock"
	case r.URL.Query().Has("policyStatus"):
		action = "s3:GetBucketPolicyStatus"
	}
	if action == "" {
		fault(w, "s3", http.StatusMethodNotAllowed, "MethodNotAllowed")
		return
	}
	account, answered := a.admit(w, r, key, region, "s3", action, name)
	if answered {
		return
	}
	var b Bucket
	owner, home := "", ""
	a.mu.Lock()
	for p, x := range a.buckets {
		if parts := strings.Split(p, "/"); parts[2] == name {
			owner, home, b = parts[0], parts[1], x
		}
	}
	a.mu.Unlock()
	expected := r.Header.Get("X-Amz-Expected-Bucket-Owner")
	switch {
	case owner == "":
		fault(w, "s3", http.StatusNotFound, "NoSuchBucket")
	case home != region:
		w.Header().Set("X-Amz-Bucket-Region", home)
		fault(w, "s3", http.StatusMovedPermanently, "PermanentRedirect")
	case owner != account && !b.Lent || expected != "" && expected != owner:
		fault(w, "s3", http.StatusForbidden, "AccessDenied")
	case action == "s3:GetBucketPublicAccessBlock" && b.Block == nil:
		fault(w, "s3", http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration")
	case action == "s3:GetBucketPublicAccessBlock":
		xmlOut(w, http.StatusOK, fmt.Sprintf(`<PublicAccessBlockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><BlockPublicAcls>%t</BlockPublicAcls><IgnorePublicAcls>%t</IgnorePublicAcls><BlockPublicPolicy>%t</BlockPublicPolicy><RestrictPublicBuckets>%t</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
			b.Block[0], b.Block[1], b.Block[2], b.Block[3]))
	case b.Public == nil:
		fault(w, "s3", http.StatusNotFound, "NoSuchBucketPolicy")
	default:
		xmlOut(w, http.StatusOK, fmt.Sprintf(`<PolicyStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsPublic>%t</IsPublic></PolicyStatus>`, *b.Public))
	}
}

func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}

// groupXML writes a group as the service does: entries of one protocol and ports are one item.
func groupXML(account, id string, entries []Entry) string {
	set := func(egress bool) string {
		var order []string
		by := map[string][]Entry{}
		for _, e := range entries {
			k := fmt.Sprint(e.Protocol, e.From, e.To)
			if e.Egress != egress {
				continue
			}
			if by[k] == nil {
				order = append(order, k)
			}
			by[k] = append(by[k], e)
		}
		var b strings.Builder
		for _, k := range order {
			e := by[k][0]
			fmt.Fprintf(&b, "<item><ipProtocol>%s</ipProtocol>", e.Protocol)
			if e.Protocol != "-1" {
				fmt.Fprintf(&b, "<fromPort>%d</fromPort><toPort>%d</toPort>", e.From, e.To)
			}
			var four, six string
			for _, e := range by[k] {
				if strings.Contains(e.Network, ":") {
					six += "<item><cidrIpv6>" + e.Network + "</cidrIpv6></item>"
				} else {
					four += "<item><cidrIp>" + e.Network + "</cidrIp></item>"
				}
			}
			fmt.Fprintf(&b, "<groups/><ipRanges>%s</ipRanges><ipv6Ranges>%s</ipv6Ranges><prefixListIds/></item>", four, six)
		}
		return b.String()
	}
	return fmt.Sprintf(`<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><securityGroupInfo><item><ownerId>%s</ownerId><groupId>%s</groupId><groupName>web</groupName><ipPermissions>%s</ipPermissions><ipPermissionsEgress>%s</ipPermissionsEgress></item></securityGroupInfo></DescribeSecurityGroupsResponse>`,
		account, text(id), set(false), set(true))
}

func shareXML(action, id string, with []string) string {
	var b strings.Builder
	if strings.Contains(action, "DB") {
		kind := strings.TrimSuffix(strings.TrimPrefix(action, "Describe"), "Attributes")
		for _, w := range with {
			b.WriteString("<AttributeValue>" + w + "</AttributeValue>")
		}
		return fmt.Sprintf(`<%[1]sResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><%[1]sResult><%[2]sAttributesResult><%[2]sIdentifier>%[3]s</%[2]sIdentifier><%[2]sAttributes><%[2]sAttribute><AttributeName>restore</AttributeName><AttributeValues>%[4]s</AttributeValues></%[2]sAttribute></%[2]sAttributes></%[2]sAttributesResult></%[1]sResult></%[1]sResponse>`,
			action, kind, text(id), b.String())
	}
	for _, w := range with {
		word := "userId"
		switch {
		case w == "all":
			word = "group"
		case strings.Contains(w, ":organization/"):
			word = "organizationArn"
		case strings.Contains(w, ":ou/"):
			word = "organizationalUnitArn"
		}
		fmt.Fprintf(&b, "<item><%[1]s>%[2]s</%[1]s></item>", word, w)
	}
	names := []string{"snapshotId", "createVolumePermission"}
	if action == "DescribeImageAttribute" {
		names = []string{"imageId", "launchPermission"}
	}
	return fmt.Sprintf(`<%[1]sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><%[2]s>%[3]s</%[2]s><%[4]s>%[5]s</%[4]s></%[1]sResponse>`,
		action, names[0], text(id), names[1], b.String())
}

// Fault answers with an error as a service writes it.
func Fault(w http.ResponseWriter, service string, status int, code string) {
	fault(w, service, status, code)
}

func fault(w http.ResponseWriter, service string, status int, code string) {
	switch service {
	case "ec2":
		xmlOut(w, status, `<Response><Errors><Error><Code>`+code+`</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>`)
	case "s3":
		xmlOut(w, status, `<Error><Code>`+code+`</Code><Message>m</Message><RequestId>r</RequestId></Error>`)
	default:
		xmlOut(w, status, `<ErrorResponse><Error><Type>Sender</Type><Code>`+code+`</Code><Message>m</Message></Error><RequestId>r</RequestId></ErrorResponse>`)
	}
}

func xmlOut(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+body) // the client may be gone
}
