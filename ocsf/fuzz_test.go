package ocsf_test

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"testing"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/ocsf"
	"github.com/yagura-sec/yagura/ocsf/ocsftest"
)

var wholeNumber = regexp.MustCompile(`: -?\d+ is no time$`)

// all are the formats that there are, and those whose records are mapped by the names of
// their vendor's fields.
func all() []string {
	names := []string{"aws.vpcflow", "aws.elb", "aws.alb", "aws.nlb", "aws.clb", "aws.cloudfront", "aws.s3access", "aws.waf", "aws.route53resolver",
		"aws.config", "aws.inspector", "aws.accessanalyzer", "gcp.scc", "gcp.asset", "gcp.vpcflow", "entra.provisioning", "microsoft.graph_activity",
		"microsoft.alert", "azure.nsgflow", "azure.vnetflow", "slack.audit", "cloudflare.http", "cloudflare.audit", "cloudflare.access", "cloudflare.dns", "cef", "leef", "syslog",
		"acme.vpn", "", "."}
	for _, f := range decode.Formats() {
		if f.Name != "ocsf.finding" && f.Name != "ocsf.event" {
			names = append(names, f.Name)
		}
	}
	return names
}

// FuzzEvent: whatever record is decodable makes a valid event, on one line, in every format
// that it might be taken for.
func FuzzEvent(f *testing.F) {
	names := all()
	for _, events := range decoded(f) {
		for _, e := range events {
			f.Add([]byte(e.Raw), uint8(0), false)
		}
	}
	for i := range names {
		f.Add([]byte(`{"type":"a","status":99,"finding":{"id":""},"resources":[{}],"httpRequest":{"httpMethod":"brew"},"x":"\ud800","n":1e999}`), uint8(i), true)
		f.Add([]byte(vendorRecord), uint8(i), true)
	}
	f.Add([]byte(`{"category":"SignInLogs","properties":{"userDisplayName":"Dave","correlationId":"c"}}`), uint8(0), false)
	f.Add([]byte("{\"id\":\"a\",\"resourceId\":\"/subscriptions/\xa9\xa9\xa9\xa9\xa9\xa9\xa9\xa9/providers/x\"}"), uint8(slices.Index(names, "azure.resource")), true)
	dec, err := decode.New(decode.Options{})
	if err != nil {
		f.Fatal(err)
	}
	schema, m := ocsftest.Load(), ocsf.New(ocsf.Options{Version: "1"})
	f.Fuzz(func(t *testing.T, record []byte, format uint8, force bool) {
		r := dec.NewReader(bytes.NewReader(record), "fuzz.json")
		for range 20 {
			rec, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				continue
			}
			e := rec.Event()
			if force {
				e.Format = names[int(format)%len(names)]
			}
			line, err := m.Append(nil, &e)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.IndexByte(line, '\n') >= 0 {
				t.Errorf("more than one line: %q", line)
			}
			if e.Format == "ocsf.finding" || e.Format == "ocsf.event" {
				continue
			}
			for _, wrong := range schema.Check(line) {
				if wholeNumber.MatchString(wrong) { // a record may speak of 1970, which the check takes for seconds
					continue
				}
				t.Errorf("%s: %s\n%s", e.Format, wrong, line)
			}
		}
	})
}

// vendorRecord has fields of many vendors at once, with the forms that they have.
const vendorRecord = `{"account-id":"111122223333","srcaddr":"192.0.2.7","dstaddr":"198.51.100.9","pkt-srcaddr":"192.0.2.8","srcport":"443","dstport":70000,
"protocol":"6","action":"REJECT","flow-direction":"ingress","interface-id":"eni-1","start":"1710408413","end":"1710408414","bytes":"840","packets":"-","tcp-flags":"2",
"client:port":"192.0.2.7:1234","target:port":"10.0.0.1:80","request":"GET https://example.com:443/a?b=c HTTP/2.0","elb_status_code":"502","ssl_protocol":"TLSv1.3",
"c-ip":"192.0.2.7","cs-method":"GET","sc-status":200,"cs-uri-stem":"/a","x-forwarded-for":"192.0.2.9, -","bucket":"b","key":"a/b.txt","operation":"REST.GET.OBJECT",
"request_uri":"GET /b HTTP/1.1","http_status":"403","error_code":"AccessDenied","remote_ip":"192.0.2.7","requester":"-",
"httpRequest":{"clientIp":"192.0.2.7","country":"JP","uri":"/","httpMethod":"POST","headers":[{"name":"Host","value":"example.com"},{"name":"user-agent","value":"x"}]},
"terminatingRuleId":"r","labels":[{"name":"awswaf:a"}],"query_name":"example.com.","query_type":"A","rcode":"NXDOMAIN","answers":[{"Rdata":"192.0.2.1","Type":"A"}],
"srcids":{"instance":"i-1"},"configurationItem":{"ARN":"arn:aws:s3:::b","resourceType":"AWS::S3::Bucket","configuration":"{\"a\":1}"},
"findingArn":"arn:aws:inspector2:x","severity":"HIGH","packageVulnerabilityDetails":{"vulnerabilityId":"CVE-2024-1","cvss":[{"baseScore":9.8,"version":"3.1"}],
"vulnerablePackages":[{"name":"openssl","version":"1"}]},"finding":{"name":"organizations/1/sources/2/findings/3","category":"OPEN_FIREWALL","state":"ACTIVE","compliances":[{"standard":"cis","version":"1.0","ids":["3.6"]}]},
"asset":{"name":"//storage.googleapis.com/b","assetType":"storage.googleapis.com/Bucket"},"jsonPayload":{"connection":{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2","protocol":6,"src_port":1}},
"properties":{"requestMethod":"GET","requestUri":"https://graph.microsoft.com/v1.0/users","responseStatusCode":200,"requestId":"r","userId":"u"},
"actor":{"type":"user","user":{"id":"W1","name":"alice","email":"alice@example.com"}},"entity":{"type":"file","file":{"id":"F1","title":"a.txt"}},"context":{"ip_address":"192.0.2.7","ua":"x","location":{"id":"T1","name":"example"}},
"ClientRequestMethod":"GET","ClientIP":"192.0.2.7","ClientRequestURI":"/a","EdgeResponseStatus":200,"RayID":"1","RuleID":"r","mac":"00-0D-3A-11-22-33","decision":"D"}`
