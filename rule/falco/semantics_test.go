package falco

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// ruleText writes a rule file with one rule of a source.
func ruleText(condition, output, source string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	return "- rule: r\n  desc: d\n  condition: " + quote(condition) + "\n  output: " + quote(output) +
		"\n  priority: WARNING\n  source: " + source + "\n"
}

// loadOne loads a file that holds one good rule.
func loadOne(t testing.TB, text string) *rule.Rule {
	t.Helper()
	rules, refusals := Load([]rule.File{{Path: "r.yaml", Data: []byte(text)}}, Options{})
	for _, r := range refusals {
		if !r.Warning {
			t.Fatalf("%s", r.Error())
		}
	}
	if len(rules) != 1 {
		t.Fatalf("%d rules from\n%s", len(rules), text)
	}
	return rules[0]
}

// testTime is the time of every record in these tests.
var testTime = time.Date(2024, 3, 5, 6, 7, 8, 9, time.UTC)

func testMeta(format string) query.Meta {
	return query.Meta{Num: 7, Time: testTime.UnixNano(), First: testTime.Add(-1500 * time.Millisecond).UnixNano(), Format: format}
}

// trailRecord is a CloudTrail record with everything that the conditions below ask for.
const trailRecord = `{
	"eventVersion": "1.08", "eventID": "11111111-2222-3333-4444-555555555555", "eventTime": "2024-03-05T06:07:08Z",
	"eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "awsRegion": "eu-north-1", "eventType": "AwsApiCall",
	"sourceIPAddress": "198.51.100.7", "userAgent": "tool/1.2 \"x\"\ttab", "errorMessage": null, "readOnly": false,
	"managementEvent": "true", "sessionCredentialFromConsole": true, "recipientAccountId": "111122223333",
	"userIdentity": {"type": "IAMUser", "userName": "ada", "arn": "arn:aws:iam::111122223333:user/div/ada", "principalId": "AIDAX"},
	"requestParameters": {"userName": "eve", "name": 5, "a/b": "slash", "m~n": "tilde", "": "empty", "dot.ted": "dot",
		"policy": "{\"x\":1}", "path": "/srv/data/file.txt", "b64": "aGVsbG8", "cut": "ab\u0000cd", "kanji": "櫓",
		"list": ["x", "y"], "obj": {"k": [1, 2.50, true, null]}, "count": 10, "exp": 1e3, "args": "-n -t val",
		"items": [{"id": "i-1"}, {"id": "i-2"}]},
	"responseElements": {"instancesSet": {"items": [{"imageId": "ami-1"}, {"imageId": "ami-2"}]}},
	"additionalEventData": {"bytesTransferredIn": 3, "bytesTransferredOut": 39.0},
	"eventName": "Second"
}`

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		condition string
		want      bool
	}{
		// An absent field makes every comparison false, and not turns that round.
		{`ct.error=x`, false},
		{`ct.error!=x`, false},
		{`not ct.error=x`, true},
		{`ct.error exists`, false},
		{`ct.error contains ""`, false},
		{`ct.error in (x)`, false},
		{`not ct.error in (x)`, true},
		{`len(ct.error) >= 0`, false},
		// Null and all that is no string is present, and "" in a ct. field.
		{`ct.errormessage exists`, true},
		{`ct.errormessage=""`, true},
		{`ct.request.name=""`, true},
		{`ct.request.name=5`, false},
		{`json.value[/errorMessage]=null`, true},
		{`json.value[/requestParameters/name]=5`, true},
		// JSON under json.value: numbers as written, the rest compact.
		{`json.value[/requestParameters/exp]=1e3`, true},
		{`json.value[/requestParameters/exp]=1000`, false},
		{`json.value[/requestParameters/obj]='{"k":[1,2.50,true,null]}'`, true},
		{`json.value[/requestParameters/list/1]=y`, true},
		{`json.value[/requestParameters/list/01]=y`, true},
		{`json.value[/requestParameters/list/2] exists`, false},
		{`json.value[/requestParameters/list/+1]=y`, true},
		{`json.value[/requestParameters/list/-1] exists`, false},
		{`json.value[/requestParameters/items/1/id]="i-2"`, true},
		{`json.value[requestParameters/items/0/id]="i-1"`, true},
		{`json.value["/eventName"]=CreateUser`, true},
		{`jevt.value[/eventName]=CreateUser`, true},
		{`json.value[/requestParameters/a~1b]=slash`, true},
		{`json.value[/requestParameters/m~0n]=tilde`, true},
		{`json.value[/requestParameters/]=empty`, true},
		{`json.value[/requestParameters/dot.ted]=dot`, true},
		{`json.value[/requestParameters/dot/ted] exists`, false},
		{`json.value[/] exists`, false},
		{`json.obj contains '"eventName": "CreateUser"'`, true},
		{`jevt.rawtime=1709618828000000009`, true},
		// Of equal keys the first counts.
		{`ct.name=CreateUser`, true},
		{`ct.name=Second`, false},
		// Text compares by case and byte by byte, numbers in texts too.
		{`ct.name=createuser`, false},
		{`ct.name == "CreateUser"`, true},
		{`ct.name='CreateUser'`, true},
		{`ct.name!=x`, true},
		{`json.value[/requestParameters/count] > 5`, false},
		{`json.value[/requestParameters/count] < 5`, true},
		{`ct.useragent contains "\"x\"\t"`, true},
		{`json.value[/requestParameters/kanji]="櫓"`, true},
		{`json.value[/requestParameters/cut]=ab`, true},
		{`len(json.value[/requestParameters/cut])=2`, true},
		{`json.value[/requestParameters/cut] endswith b`, true},
		{`ct.request.username in (adam, eve)`, true},
		// Operators.
		{`ct.name icontains TEUS`, true},
		{`ct.name startswith Create`, true},
		{`ct.src endswith amazonaws.com`, true},
		{`ct.name glob Cr*`, true},
		{`ct.name glob *User`, true},
		{`ct.name glob *teU*`, true},
		{`ct.name glob User`, false},
		{`ct.name glob "[A-D]*[!a]"`, true},
		{`ct.name glob "Create?ser"`, true},
		{`ct.name glob "Create\\User"`, true},
		{`ct.name iglob cREATE*`, true},
		{`json.value[/requestParameters/path] glob "/srv*"`, true},
		{`ct.name regex "Create(User|Role)"`, true},
		{`ct.name regex User`, false},
		{`ct.name regex "^Create.*$"`, true},
		{`ct.srcip regex "[[:digit:]]+[.].*"`, true},
		{`ct.useragent regex "[^z]*"`, true},
		{`json.value[/requestParameters/path] pmatch (/srv)`, true},
		{`json.value[/requestParameters/path] pmatch (srv/data)`, true},
		{`json.value[/requestParameters/path] pmatch (/sr)`, false},
		{`json.value[/requestParameters/path] pmatch (/x, "/*/data")`, true},
		{`json.value[/requestParameters/path] pmatch (/)`, true},
		{`json.value[/requestParameters/path] pmatch (/srv/data/file.txt/x)`, false},
		{`ct.name in ()`, false},
		{`ct.name intersects (CreateUser, x)`, true},
		{`ct.name in (x, "CreateUser")`, true},
		// A list field: in asks all of it, intersects any of it.
		{`ec2.imageids in (ami-1)`, false},
		{`ec2.imageids in (ami-1, ami-2, ami-3)`, true},
		{`ec2.imageids intersects (ami-2)`, true},
		{`ec2.imageids[1] in (ami-2)`, true},
		{`ec2.imageids[2] exists`, false},
		{`ec2.imageid=ami-1`, true},
		{`len(ec2.imageids)=2`, true},
		{`ec2.imageids in val(ec2.imageids)`, true},
		// Modifiers.
		{`ct.name startswith anyof (x, Create)`, true},
		{`ct.name contains allof (Create, User)`, true},
		{`ct.name contains oneof (Create, User)`, false},
		{`ct.name contains oneof (Create, x)`, true},
		{`ct.name != allof (x, y)`, true},
		{`ct.name != allof (x, CreateUser)`, false},
		{`ct.name = anyof ()`, false},
		{`ct.name glob anyof ("x*", "*User")`, true},
		{`ct.name regex anyof ("x", "Create[A-Z]ser")`, true},
		{`ct.error startswith anyof (a)`, false},
		// Numbers.
		{`s3.bytes > 41`, true},
		{`s3.bytes = 42`, true},
		{`s3.bytes in (1, 42)`, true},
		{`s3.bytes != 42`, false},
		{`s3.bytes.in <= 3`, true},
		{`s3.cnt.other=1`, true},
		{`s3.cnt.get exists`, false},
		{`s3.bytes = val(s3.bytes)`, true},
		{`s3.bytes > val(s3.bytes.out)`, true},
		{`evt.num = 7`, true},
		{`evt.rawtime = 1709618828000000009`, true},
		{`evt.rawtime.ns = 9`, true},
		{`evt.reltime = 1500000000`, true},
		{`evt.reltime.s = 1`, true},
		// Transformers.
		{`tolower(ct.name)=createuser`, true},
		{`toupper(ct.region)=EU-NORTH-1`, true},
		{`b64(json.value[/requestParameters/b64])=hello`, true},
		{`b64(ct.name) exists`, false},
		{`basename(json.value[/requestParameters/path])=file.txt`, true},
		{`basename(ct.user.arn)=ada`, true},
		{`len(ct.name) > 9`, true},
		{`len(ct.name) in (10)`, true},
		{`tolower(basename(ct.user.arn)) startswith a`, true},
		{`concat(ct.region, "/", ct.name)="eu-north-1/CreateUser"`, true},
		{`concat(ct.region, ct.error) exists`, false},
		{`join("-", (ct.region, tolower(ct.name)))="eu-north-1-createuser"`, true},
		{`join(",", ec2.imageids)="ami-1,ami-2"`, true},
		{`getopt(("-n","-t","val"), "nt:")[t] = val`, true},
		{`getopt(("-n","-tval"), "nt:") in (n, t, val)`, true},
		{`getopt(("-n"), "nt:")[t] exists`, false},
		{`tolower(ct.name)=tolower("x")`, false},
		// Fields on the right.
		{`ct.user=val(json.value[/userIdentity/userName])`, true},
		{`ct.user.arn endswith val(ct.user)`, true},
		{`ct.user != val(ct.error)`, false},
		{`ct.user in val(ct.user)`, true},
		{`ct.user < val(ct.request.username)`, true},
		{`ct.user=basename(ct.user.arn)`, true},
		{`ct.name glob val(ct.name)`, true},
		{`ct.user.arn icontains toupper(ct.user)`, true},
		// Set operators with a transformed right side never hold, as in Falco.
		{`ct.user in basename(ct.user.arn)`, false},
		{`toupper(ec2.imageids) in (AMI-1, AMI-2)`, false},
		// Computed fields.
		{`ct.shortsrc=iam`, true},
		{`ct.user=ada`, true},
		{`ct.user.accountid=111122223333`, true},
		{`ct.readonly=false`, true},
		{`ct.managementevent=false`, true},
		{`ct.sessioncredentialfromconsole=true`, true},
		{`ct.info="ada via 198.51.100.7 → CreateUser Size=42"`, true},
		{`ct.info="ada via 198.51.100.7 !→ CreateUser Size=42"`, false},
		{`ct.info startswith "ada via 198.51.100.7 → CreateUser"`, true},
		{`evt.source=aws_cloudtrail and evt.pluginname=cloudtrail and evt.is_async=false`, true},
		{`evt.asynctype exists`, false},
		{`evt.plugininfo startswith "eu-north-1 ada iam CreateUser ada via"`, true},
		{`evt.time.iso8601 startswith "2024-03-05T06:07:08"`, true},
		{`evt.datetime = "2024-03-05 06:07:08.000000009"`, true},
		{`evt.time.s = "06:07:08"`, true},
		// Precedence.
		{`ct.name=CreateUser or ct.name=x and ct.name=y`, true},
		{`(ct.name=CreateUser or ct.name=x) and ct.name=y`, false},
		{`not ct.name=x and not(ct.name=y)`, true},
		{`not not ct.name=CreateUser`, true},
	} {
		t.Run(c.condition, func(t *testing.T) {
			j := newJudge(t, []*rule.Rule{loadOne(t, ruleText(c.condition, "hit", "aws_cloudtrail"))}, "aws.cloudtrail")
			if got := len(j.fire(t, []byte(trailRecord), testMeta("aws.cloudtrail"))) == 1; got != c.want {
				t.Errorf("holds = %v, want %v", got, c.want)
			}
		})
	}
}

// TestNativeOperatorsAgree holds what a comparison compiles to against its plain
// meaning, over texts and values that are like each other.
func TestNativeOperatorsAgree(t *testing.T) {
	texts := []string{"", "a", "A", "ab", "aB", "ba", "a*b", "a?b", "ab/c", "/ab/c", "é", "É", "ſ", "K", "k", "10", "9", "[a]", `a\b`, "a\nb", "aab"}
	values := append([]string{"*", "a*", "*b", "*a*", "a*b", "?", "[a-z]", "[!a]*", "[[:alpha:]]b", "/ab", "a|b", "a.", "[^x]*", `\*`}, texts...)
	for _, op := range []string{"=", "!=", "<", "<=", ">", ">=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex", "pmatch"} {
		for _, v := range values {
			e, msg := newElement(op, tString, v)
			if msg != "" {
				continue
			}
			field := query.Field{Name: "f", Paths: textAt("f").Paths, Conv: query.ConvString}
			pred := query.Pred{Field: field}
			expr := combine(&check{op: op}, &value{field: field}, pred, []element{e})
			r := &rule.Rule{Title: "r", Formats: []string{"x"}, When: expr}
			j := newJudge(t, []*rule.Rule{r}, "x")
			for _, text := range texts {
				record := fmt.Appendf(nil, `{"f":%s}`, appendQuoted(nil, []byte(text)))
				if got, want := len(j.fire(t, record, query.Meta{})) == 1, e.test([]byte(text)); got != want {
					t.Errorf("%q %s %q: compiled %v, plainly %v", text, op, v, got, want)
				}
			}
		}
	}
}
