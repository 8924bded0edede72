package slot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// trailFields are fields as the header and the rules of CloudTrail ask for them.
var trailFields = []string{
	"eventVersion", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
	"userAgent", "errorCode", "errorMessage", "requestID", "eventID", "readOnly", "eventType",
	"managementEvent", "recipientAccountId", "eventCategory", "sharedEventID", "vpcEndpointId",
	"userIdentity.type", "userIdentity.principalId", "userIdentity.arn", "userIdentity.accountId",
	"userIdentity.accessKeyId", "userIdentity.userName", "userIdentity.invokedBy",
	"userIdentity.sessionContext.sessionIssuer.type", "userIdentity.sessionContext.sessionIssuer.arn",
	"userIdentity.sessionContext.sessionIssuer.userName",
	"userIdentity.sessionContext.sessionIssuer.accountId",
	"userIdentity.sessionContext.attributes.mfaAuthenticated",
	"userIdentity.sessionContext.attributes.creationDate",
	"requestParameters", "requestParameters.userName", "requestParameters.roleName",
	"requestParameters.policyArn", "requestParameters.policyDocument", "requestParameters.groupName",
	"requestParameters.bucketName", "requestParameters.key", "requestParameters.instanceId",
	"requestParameters.ipPermissions.items.ipRanges.items.cidrIp", "requestParameters.attribute",
	"requestParameters.attributeType", "requestParameters.publiclyAccessible",
	"requestParameters.functionName", "requestParameters.includeManagementEvents",
	"requestParameters.DescribeFlowLogsRequest", "requestParameters.containerDefinitions.command",
	"requestParameters.masterUserPassword", "requestParameters.launchPermission.add.items.userId",
	"responseElements", "responseElements.ConsoleLogin", "responseElements.user.userName",
	"responseElements.user.arn", "responseElements.accessKey.userName", "responseElements.accessKey.status",
	"responseElements.publiclyAccessible", "responseElements.pendingModifiedValues.masterUserPassword",
	"additionalEventData.MFAUsed", "additionalEventData.LoginTo", "additionalEventData.MobileVersion",
	"serviceEventDetails.snapshotId", "resources.ARN", "resources.type", "resources.accountId",
	"tlsDetails.tlsVersion", "tlsDetails.clientProvidedHostHeader",
}

func trailPlan() *Plan {
	b := NewBuilder()
	for _, f := range trailFields {
		var p Path
		for k := range bytes.SplitSeq([]byte(f), []byte(".")) {
			p.Segs = append(p.Segs, Seg{Key: string(k)})
		}
		b.Slot(Field{Paths: []Path{p}})
	}
	return b.Plan()
}

// trailRecords makes n records with the keys, the order and the size of CloudTrail's.
func trailRecords(n int) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	hex := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(b)
	}
	names := [][2]string{{"ec2", "DescribeInstances"}, {"s3", "GetObject"}, {"iam", "ListRoles"}, {"sts", "AssumeRole"},
		{"kms", "Decrypt"}, {"logs", "CreateLogStream"}, {"iam", "CreateUser"}}
	out := make([][]byte, n)
	for i := range out {
		e := names[r.IntN(len(names))]
		who := hex(8)
		out[i] = fmt.Appendf(nil, `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%s:session-%s",`+
			`"arn":"arn:aws:sts::111122223333:assumed-role/app-%s/session-%s","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE%s",`+
			`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%s","arn":"arn:aws:iam::111122223333:role/app-%s",`+
			`"accountId":"111122223333","userName":"app-%s"},"webIdFederationData":{},"attributes":{"creationDate":"2024-05-0%dT10:00:00Z","mfaAuthenticated":"false"}}},`+
			`"eventTime":"2024-05-0%dT1%d:%02d:%02dZ","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.%d",`+
			`"userAgent":"aws-sdk-go/1.44.%d (go1.19; linux; amd64)","requestParameters":{"maxResults":%d,"filterSet":{"items":[{"name":"tag:Name","valueSet":{"items":[{"value":"%s"}]}}]}},`+
			`"responseElements":null,"requestID":"%s-%s","eventID":"%s-%s-%s","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,`+
			`"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256",`+
			`"clientProvidedHostHeader":"%s.us-east-1.amazonaws.com"}}`,
			who, who, who, who, who, who, who, who, 1+r.IntN(9), 1+r.IntN(9), r.IntN(10), r.IntN(60), r.IntN(60), e[0], e[1], r.IntN(255),
			r.IntN(300), r.IntN(1000), hex(12), hex(8), hex(12), hex(8), hex(4), hex(12), e[0])
	}
	return out
}

// realRecords reads the records of real CloudTrail logs that lie beside the repository.
func realRecords(tb testing.TB) [][]byte {
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			tb.Skip("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.Open(filepath.Join(dir, "../shared/data/aws/cloudtrail/opensearch-catalog.jsonl"))
	if err != nil {
		tb.Skip("no real CloudTrail records here: ", err)
	}
	defer f.Close()
	var out [][]byte
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var b bytes.Buffer
		if err := json.Compact(&b, sc.Bytes()); err != nil {
			tb.Fatal(err)
		}
		out = append(out, b.Bytes())
	}
	return out
}

func BenchmarkScan(b *testing.B) {
	p := trailPlan()
	b.Run("made", func(b *testing.B) { benchScan(b, p, trailRecords(1000)) })
	b.Run("real", func(b *testing.B) { benchScan(b, p, realRecords(b)) })
	b.Run("valid", func(b *testing.B) {
		recs := trailRecords(1000)
		size := 0
		for _, r := range recs {
			size += len(r)
		}
		b.SetBytes(int64(size / len(recs)))
		for i := range b.N {
			if !Valid(recs[i%len(recs)]) {
				b.Fatal("not valid")
			}
		}
	})
}

func benchScan(b *testing.B, p *Plan, recs [][]byte) {
	d := p.NewDoc()
	size := 0
	for _, r := range recs {
		size += len(r)
		if _, err := p.Scan(r, d); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(size / len(recs)))
	b.ReportAllocs()
	b.ReportMetric(float64(size)/float64(len(recs)), "B/record")
	filled := 0
	for i := 0; b.Loop(); i++ {
		if i == len(recs) {
			i = 0
		}
		if _, err := p.Scan(recs[i], d); err != nil {
			b.Fatal(err)
		}
		filled += len(d.Filled())
	}
	b.ReportMetric(float64(filled)/float64(b.N), "slots/record")
}
