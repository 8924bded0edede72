package decode

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// sharedFile returns a file that lies beside the repository, or skips.
func sharedFile(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			tb.Skip("no go.mod above the test")
		}
	}
	path := filepath.Join(dir, "../shared/data", name)
	if _, err := os.Stat(path); err != nil {
		tb.Skip("the shared data are not here: ", err)
	}
	return path
}

// madeTrail makes a CloudTrail file of n records, in a shape and with a variety like
// a real account's: about 1.25 KB a record, compressed about eight to one.
func madeTrail(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	hex := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(b)
	}
	names := [][2]string{{"ec2", "DescribeInstances"}, {"s3", "GetObject"}, {"iam", "ListRoles"}, {"sts", "AssumeRole"},
		{"kms", "Decrypt"}, {"logs", "CreateLogStream"}, {"iam", "CreateUser"}, {"ssm", "UpdateInstanceInformation"}}
	var out bytes.Buffer
	out.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		e := names[r.IntN(len(names))]
		who := fmt.Sprintf("%08d", r.IntN(50))
		fmt.Fprintf(&out, `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%s:session-%s",`+
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
	out.WriteString(`]}`)
	return out.Bytes()
}

// realTrail makes one file of real records, repeated.
func realTrail(tb testing.TB, times int) []byte {
	f, err := os.Open(sharedFile(tb, "aws/cloudtrail/opensearch-catalog.jsonl"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var recs [][]byte
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var b bytes.Buffer
		if err := json.Compact(&b, sc.Bytes()); err != nil {
			tb.Fatal(err)
		}
		recs = append(recs, b.Bytes())
	}
	var all [][]byte
	for range times {
		all = append(all, recs...)
	}
	return append(append([]byte(`{"Records":[`), bytes.Join(all, []byte{','})...), `]}`...)
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// ruleFields are fields as rules ask for them, beyond the header.
var ruleFields = []string{"userAgent", "requestID", "readOnly", "eventType", "managementEvent", "eventCategory",
	"requestParameters", "responseElements", "requestParameters.policyDocument", "requestParameters.attribute",
	"requestParameters.publiclyAccessible", "requestParameters.ipPermissions.items.ipRanges.items.cidrIp",
	"requestParameters.containerDefinitions.command", "requestParameters.masterUserPassword",
	"requestParameters.launchPermission.add.items.userId", "responseElements.publiclyAccessible",
	"responseElements.pendingModifiedValues.masterUserPassword", "additionalEventData.MFAUsed",
	"additionalEventData.LoginTo", "serviceEventDetails.snapshotId", "tlsDetails.tlsVersion",
	"userIdentity.sessionContext.attributes.mfaAuthenticated", "userIdentity.sessionContext.sessionIssuer.type",
	"userIdentity.sessionContext.sessionIssuer.userName"}

func wantRules(_ string, b *slot.Builder) {
	for _, f := range fieldList(false, ruleFields) {
		b.Slot(f)
	}
}

func readCount(tb testing.TB, d *Decoder, data []byte) (n int) {
	rd := d.NewReader(bytes.NewReader(data), "trail.json.gz")
	for {
		_, err := rd.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
}

// BenchmarkReader compares reading .json.gz with what it cannot be faster than and
// with what it would cost to decode into maps. "ratio" is the time of reading over
// that of gunzip alone (the shortest of each, taken in turn in one run: what else the
// machine does only adds).
func BenchmarkReader(b *testing.B) {
	b.Run("made", func(b *testing.B) { benchReader(b, madeTrail(20000)) })
	b.Run("real", func(b *testing.B) { benchReader(b, realTrail(b, 20)) })
}

func benchReader(b *testing.B, data []byte) {
	zipped := gzipped(data)
	d := newDecoder(b, Options{Want: wantRules})
	n := readCount(b, d, zipped)
	var read, gunzip time.Duration
	var z gzip.Reader
	into := make([]byte, 256<<10)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		if readCount(b, d, zipped) != n {
			b.Fatal("another number of records")
		}
		read = shorter(read, time.Since(start))
		b.StopTimer()
		start = time.Now()
		if err := z.Reset(bufio.NewReaderSize(bytes.NewReader(zipped), 64<<10)); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := z.Read(into); err != nil {
				break
			}
		}
		gunzip = shorter(gunzip, time.Since(start))
		b.StartTimer()
	}
	b.ReportMetric(float64(read)/float64(gunzip), "ratio")
	b.ReportMetric(float64(len(data))/gunzip.Seconds()/1e6, "gunzip-MB/s")
	b.ReportMetric(float64(n)/read.Seconds(), "records/s")
	b.ReportMetric(float64(read)/float64(n), "ns/record")
}

// BenchmarkHead makes the headers of records that were read.
func BenchmarkHead(b *testing.B) {
	data := realTrail(b, 1)
	d := newDecoder(b, Options{})
	b.ReportAllocs()
	var e yagura.Event
	for n := 0; n < b.N; {
		rd := d.NewReader(bytes.NewReader(data), "trail.json")
		for n < b.N {
			rec, err := rd.Next()
			if err != nil {
				break
			}
			for range 50 { // so that reading does not show
				rec.Head(&e)
				n++
			}
		}
		rd.Close()
	}
}

func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

// BenchmarkFloor is encoding/json into a map for each record, without decompression.
func BenchmarkFloor(b *testing.B) {
	data := madeTrail(2000)
	var doc struct{ Records []json.RawMessage }
	if err := json.Unmarshal(data, &doc); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data) / len(doc.Records)))
	for i := range b.N {
		var m map[string]any
		if err := json.Unmarshal(doc.Records[i%len(doc.Records)], &m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
