package falco

import (
	"testing"

	"github.com/yagura-sec/yagura/rule"
)

func TestOutput(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"plain", "plain"},
		{"%ct.name", "CreateUser"},
		{"by %ct.user, from %ct.srcip.", "by ada, from 198.51.100.7."},
		{"(%ct.user)(%ct.name) %ct.user%ct.region", "(ada)(CreateUser) adaeu-north-1"},
		{"error=%ct.error message=%ct.errormessage", "error=<NA> message="},
		{"* %ct.error", " <NA>"},
		{"ids=%ec2.imageids one=%ec2.imageids[1] none=%ec2.imageids[9]", "ids=(ami-1,ami-2) one=(ami-2) none=<NA>"},
		{"%json.value[/requestParameters/userName] %jevt.value[/requestParameters/count]", "eve 10"},
		{"%json.value[/requestParameters/obj]", `{"k":[1,2.50,true,null]}`},
		{"%json.value[/requestParameters/none/at/all]", "<NA>"},
		{"%tolower(ct.name) %toupper(ct.user)", "createuser ADA"},
		{"%basename(ct.user.arn)! %len(ct.name) %concat(ct.user, \"@\", ct.region)", "ada! 10 ada@eu-north-1"},
		{"%tolower(ct.error)", "<NA>"},
		{"[%20ct.user]", "[ada                 ]"},
		{"[%2ct.user] [%012ct.user]", "[ad] [ada         ]"},
		{"[%8ct.error]", "[<NA>    ]"},
		{"%s3.bytes %s3.bytes.in of %s3.cnt.get", "42 3 of <NA>"},
		{"%evt.num %evt.source %evt.rawtime.ns", "7 aws_cloudtrail 000000009"},
		{"%evt.time.iso8601 %evt.datetime.s", "2024-03-05T06:07:08.000000009+0000 2024-03-05 06:07:08"},
		{"%ct.src.x %ct.name-%ct.name_", "iam.amazonaws.com.x CreateUser-CreateUser_"},
		{"\n  %ct.name\n  ends \n", "CreateUser\n  ends"},
	} {
		text := "- {rule: r, desc: d, condition: ct.name exists, priority: INFO, source: aws_cloudtrail, output: " + quoted(c.template) + "}\n"
		j := newJudge(t, []*rule.Rule{loadOne(t, text)}, "aws.cloudtrail")
		got := j.fire(t, []byte(trailRecord), testMeta("aws.cloudtrail"))
		if len(got) != 1 || got[0].output != c.want {
			t.Errorf("%q: %q, want %q", c.template, got, c.want)
		}
	}
}

// quoted is a text in the double quotes of YAML.
func quoted(s string) string { return string(appendQuoted(nil, []byte(s))) }
