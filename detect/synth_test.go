package detect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// synthRules makes n rules in the forms that real rules about CloudTrail have:
// mostly an eventSource and one or more eventNames, with conditions on the request,
// the actor or the client beside them, some with a Not, some with neither name nor
// source. names are the event names that records may hold; a third of the rules ask
// for one of them, the others for names that look alike, as rule sets do that cover
// more than a company uses.
func synthRules(n int, seed uint64, names []string) []*rule.Rule {
	g := &synth{rand.New(rand.NewPCG(seed, 1)), names}
	var rules []*rule.Rule
	for i := range n {
		rules = append(rules, simple(fmt.Sprintf("synth-%05d", i), g.rule()))
	}
	return rules
}

type synth struct {
	*rand.Rand
	names []string
}

func pick[T any](g *synth, list []T) T { return list[g.IntN(len(list))] }

var (
	synthServices = []string{"ec2", "iam", "s3", "sts", "kms", "lambda", "rds", "cloudtrail", "guardduty", "config", "ecs", "eks",
		"route53", "secretsmanager", "ssm", "organizations", "logs", "signin", "dynamodb", "cloudfront", "elasticloadbalancing", "sns", "sqs", "bedrock"}
	synthVerbs = []string{"Create", "Delete", "Put", "Update", "Attach", "Detach", "Modify", "Get", "List", "Describe", "Stop", "Start",
		"Enable", "Disable", "Register", "Associate", "Add", "Remove", "Set", "Reset"}
	synthNouns = []string{"User", "Role", "Bucket", "Policy", "AccessKey", "LoginProfile", "Trail", "Detector", "Snapshot", "Image", "Volume",
		"SecurityGroup", "Route", "Vpc", "Key", "Alias", "Function", "Layer", "Cluster", "Task", "Service", "Secret", "Parameter", "Document",
		"Domain", "Record", "Account", "Organization", "LogGroup", "Stream", "Table", "Distribution", "Listener", "Topic", "Queue", "Model"}
	synthAgents = []string{"kali", "parrot", "pacu", "python-requests", "Boto3", "curl", "S3 Browser", "cloudfox", "scoutsuite", "prowler",
		"terraform", "console.amazonaws.com", "aws-sdk-go", "nmap", "sqlmap", "powershell", "aws-internal", "cloud-nuke"}
	synthErrors = []string{"AccessDenied", "Client.UnauthorizedOperation", "NoSuchEntity", "ThrottlingException", "InvalidAMIID"}
)

func (g *synth) name() string {
	if g.IntN(3) == 0 {
		return pick(g, g.names)
	}
	return pick(g, synthVerbs) + pick(g, synthNouns) + pick(g, []string{"", "", "V2", "Configuration", "Attribute", "Batch"})
}

func (g *synth) word() string {
	return strings.ToLower(pick(g, synthNouns)) + pick(g, []string{"-", "/", ".", ":"}) + fmt.Sprintf("%x", g.IntN(1<<20))
}

func (g *synth) rule() query.Expr {
	and := &query.And{}
	add := func(x query.Expr) { and.X = append(and.X, x) }
	form := g.IntN(20)
	if form < 17 {
		names := []string{g.name()}
		if g.IntN(4) == 0 {
			for range 1 + g.IntN(5) {
				names = append(names, g.name())
			}
		}
		if g.IntN(3) > 0 {
			add(pred(field("eventSource"), query.Eq, pick(g, synthServices)+".amazonaws.com"))
		}
		if g.IntN(12) == 0 {
			add(pred(field("eventName"), query.Prefix, pick(g, synthVerbs)+pick(g, synthNouns)))
		} else {
			add(pred(field("eventName"), query.Eq, names...))
		}
	}
	for range g.IntN(3) + form/17 {
		add(g.condition())
	}
	if g.IntN(4) == 0 {
		add(&query.Not{X: g.condition()})
	}
	if len(and.X) == 0 {
		add(pred(field("eventName"), query.Eq, g.name()))
	}
	return and
}

func (g *synth) condition() query.Expr {
	switch g.IntN(13) {
	case 0:
		return pred(field("userAgent"), query.Contains, pick(g, synthAgents)+fmt.Sprintf("/%d.%d", g.IntN(9), g.IntN(30)))
	case 1:
		return pred(field("userIdentity", "arn"), query.Contains, "/"+g.word())
	case 2:
		return pred(field("userIdentity", "arn"), query.Suffix, ":user/"+g.word(), ":role/"+g.word())
	case 3:
		return pred(field("requestParameters"), query.Contains, `"`+g.word()+`"`)
	case 4:
		return pred(field("requestParameters", strings.ToLower(pick(g, synthNouns))+"Name"), query.Prefix, g.word())
	case 5:
		return pred(field("errorCode"), query.Eq, pick(g, synthErrors))
	case 6:
		return &query.Pred{Field: field("requestParameters", pick(g, []string{"userName", "roleName", "bucketName", "policyArn", "groupId"})),
			Op: query.Exists, Args: []query.Arg{{Bool: true}}}
	case 7:
		return pred(field("userIdentity", "type"), query.Eq, pick(g, []string{"Root", "IAMUser", "AssumedRole", "AWSService"}))
	case 8:
		return &query.Pred{Field: field("requestParameters", "maxResults"), Op: query.Gte, Args: []query.Arg{{Num: float64(g.IntN(5000))}}}
	case 9:
		return pred(field("sourceIPAddress"), query.Prefix, fmt.Sprintf("%d.%d.", g.IntN(223)+1, g.IntN(256)))
	case 10:
		return &query.Pred{Field: field("sourceIPAddress"), Op: query.CIDR,
			Args: []query.Arg{{Net: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(g.IntN(223) + 1), byte(g.IntN(256)), 0, 0}), 16)}}}
	case 11:
		return &query.Pred{Field: field("requestParameters", "policyDocument"), Op: query.Glob, Fold: true, Args: []query.Arg{globArg("*" + g.word() + "*:*")}}
	default:
		return &query.Pred{Field: field("userIdentity", "principalId"), Op: query.Regex,
			Args: []query.Arg{{Regexp: regexp.MustCompile(`^A[A-Z0-9]+:` + strings.ToLower(pick(g, synthNouns)) + `[0-9]+$`)}}}
	}
}

func globArg(s string) query.Arg {
	var b query.PatternBuilder
	for _, r := range s {
		switch r {
		case '*':
			b.Star()
		case '?':
			b.Any()
		default:
			b.Rune(r)
		}
	}
	return query.Arg{Pattern: b.Pattern(), Shown: s}
}

// synthRecords makes CloudTrail records with invented ids.
func synthRecords(n int, seed uint64) (records [][]byte, names []string) {
	g := &synth{Rand: rand.New(rand.NewPCG(seed, 2))}
	for range 120 {
		names = append(names, pick(g, synthVerbs)+pick(g, synthNouns))
	}
	g.names = names
	for i := range n {
		name := names[min(g.IntN(len(names)), g.IntN(len(names)))]
		svc := pick(g, synthServices)
		user := pick(g, []string{"alice", "bob", "carol", "deploy", "audit"}) + fmt.Sprint(g.IntN(20))
		errorPart := ""
		if g.IntN(10) == 0 {
			errorPart = `"errorCode":"` + pick(g, synthErrors) + `","errorMessage":"User is not authorized to perform this action on the resource",`
		}
		params := fmt.Sprintf(`{"userName":"%s","maxResults":%d,"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-%x"}]}}]}}`, user, g.IntN(100), g.IntN(1<<30))
		switch g.IntN(3) {
		case 0:
			params = "null"
		case 1:
			params = fmt.Sprintf(`{"bucketName":"%s-data","Host":"%s-data.s3.amazonaws.com","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::%s-data/*\"}]}"}`, user, user, user)
		}
		records = append(records, fmt.Appendf(nil, `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%06d:%s","arn":"arn:aws:sts::111122223333:assumed-role/%s/%s","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE%06d","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%06d","arn":"arn:aws:iam::111122223333:role/%s","accountId":"111122223333","userName":"%s"},"webIdFederationData":{},"attributes":{"creationDate":"2026-02-03T04:05:06Z","mfaAuthenticated":"false"}}},"eventTime":"2026-02-03T04:%02d:%02dZ","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.%d","userAgent":"Boto3/1.26.%d Python/3.10.6 Linux/5.15.0-1031-aws exec-env/AWS_Lambda_python3.10 Botocore/1.29.%d",%s"requestParameters":%s,"responseElements":null,"requestID":"00000000-1111-4222-8333-%012d","eventID":"aaaaaaaa-bbbb-4ccc-8ddd-%012d","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.2","cipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","clientProvidedHostHeader":"%s.eu-west-1.amazonaws.com"}}`,
			i, user, user, user, i, i, user, user, g.IntN(60), g.IntN(60), svc, name, g.IntN(256), g.IntN(200), g.IntN(200), errorPart, params, i, i, svc))
	}
	return records, names
}

// long is how many times something random is tried: few, or many in a long run.
func long(few, many uint64) uint64 {
	if os.Getenv("YAGURA_PROVE") != "" {
		return many
	}
	return few
}

// TestIndexRandom compares hits with and without the index over random rules and
// records.
func TestIndexRandom(t *testing.T) {
	for seed := range long(2, 30) {
		records, names := synthRecords(300, seed)
		rules := synthRules(500, seed, names)
		g := &synth{rand.New(rand.NewPCG(seed, 3)), names}
		for i := range 300 {
			rules = append(rules, simple(fmt.Sprintf("wild-%d", i), g.wild(3)))
		}
		for range 300 {
			records = append(records, []byte(g.record(3)))
		}
		on, off := newStand(t, Options{}, rules...), newStand(t, Options{NoIndex: true}, rules...)
		hits := 0
		for _, r := range records {
			a, b := hitIDs(on.match(string(r))), hitIDs(off.match(string(r)))
			if a != b {
				t.Fatalf("seed %d, record %s: with index %s, without %s", seed, r, a, b)
			}
			hits += strings.Count(a, " ")
		}
		if hits == 0 {
			t.Errorf("seed %d: no hits", seed)
		}
	}
}

var wildTexts = []string{"a", "b", "ab", "abc", "abcd", "ABCD", "bcde", "x", "", "10", "1e1", "10.0.0.1", "true", "ſK", "sk", `"a":1`, "日本語", "aaaaaaaa", "aaaa"}

// wild makes any condition over a few fields.
func (g *synth) wild(depth int) query.Expr {
	if depth > 0 && g.IntN(3) > 0 {
		var list []query.Expr
		for range 1 + g.IntN(3) {
			list = append(list, g.wild(depth-1))
		}
		switch g.IntN(5) {
		case 0, 1:
			return &query.And{X: list}
		case 2, 3:
			return &query.Or{X: list}
		default:
			return &query.Not{X: list[0]}
		}
	}
	keys := [][]string{{"a"}, {"b"}, {"c"}, {"a", "b"}, {"b", "c"}}
	f := field(pick(g, keys)...)
	f.Conv = pick(g, []query.Conv{query.ConvAny, query.ConvAny, query.ConvAny, query.ConvString, query.ConvRaw})
	if g.IntN(6) == 0 {
		f.Paths = append(f.Paths, slot.Keys(pick(g, keys)...))
	}
	if g.IntN(12) == 0 {
		inner := f
		f = query.Field{Name: "first", Derive: &query.Derived{Name: fmt.Sprint("first of ", inner.Name, inner.Conv, len(inner.Paths), inner.Paths), Deps: []query.Field{inner},
			Fn: func(in query.Input, out *query.Values) {
				if in.Dep(0).Len() > 0 {
					out.Add(in.Dep(0).At(0))
				} else {
					out.AddString("abcd")
				}
			}}}
	}
	p := &query.Pred{Field: f, Fold: g.IntN(2) == 0}
	var values []string
	for range 1 + g.IntN(4) {
		values = append(values, pick(g, wildTexts))
	}
	p.Op = pick(g, []query.Op{query.Eq, query.Eq, query.Prefix, query.Suffix, query.Contains, query.Contains, query.Glob, query.Regex, query.CIDR,
		query.Gt, query.Exists, query.IsNull, query.Keyword, query.ListFunc, query.Func, query.StrLt})
	for _, v := range values {
		a := query.Arg{Text: v, Num: 5, Bool: g.IntN(2) == 0, Number: p.Op == query.Eq && g.IntN(4) == 0}
		switch p.Op {
		case query.Glob, query.Keyword:
			a = globArg(pick(g, []string{"", "*"}) + v + pick(g, []string{"", "*", "?", "*b"}) + pick(g, []string{"", "*"}))
		case query.Regex:
			a.Regexp = regexp.MustCompile(pick(g, []string{"", "^", "(?i)"}) + "(?:" + regexp.QuoteMeta(v) + ")" + pick(g, []string{"", "$", "+", ".*c"}))
		case query.CIDR:
			a.Net = netip.MustParsePrefix(pick(g, []string{"10.0.0.0/8", "::ffff:10.0.0.0/104", "::/0"}))
		}
		p.Args = append(p.Args, a)
	}
	p.Test = func(b []byte) bool { return len(b) == 4 }
	p.ListTest = func(l query.Texts) bool { return l.Len()%2 == 0 }
	if g.IntN(10) == 0 && slices.Contains([]query.Op{query.Eq, query.Prefix, query.Contains, query.Gt}, p.Op) {
		r := field(pick(g, keys)...)
		p.Ref, p.Args = &r, nil
	}
	if g.IntN(15) == 0 && f.Derive == nil {
		return &query.Each{Field: f, Quant: query.Quant(g.IntN(4)), Where: pred(field("b"), query.Eq, values...)}
	}
	return p
}

// record makes any small record.
func (g *synth) record(depth int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range g.IntN(5) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", pick(g, []string{"a", "b", "c", "d", "A", "a.b"}), g.value(depth))
	}
	b.WriteByte('}')
	return b.String()
}

func (g *synth) value(depth int) string {
	switch k := g.IntN(9); {
	case k < 4 || depth == 0:
		return fmt.Sprintf("%q", pick(g, wildTexts)+pick(g, append(wildTexts, "", "", "")))
	case k == 4:
		return pick(g, []string{"10", "10.0", "1e1", "-0", "7", "9007199254740993"})
	case k == 5:
		return pick(g, []string{"null", "true", "false"})
	case k == 6:
		var list []string
		for range g.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return "[" + strings.Join(list, ", ") + "]"
	case k == 7:
		return fmt.Sprintf("%q", g.record(depth-1))
	default:
		return g.record(depth - 1)
	}
}
