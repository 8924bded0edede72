package laketest

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Corpus is a number of records over some days.
type Corpus struct {
	Events int
	Days   int       // 0: 30
	Start  time.Time // zero: 2026-05-01
	Seed   uint64
}

// What the needles are found by.
const (
	Needles  = 10
	Needle   = "yagura-needle-7f3a9c"
	NeedleIP = "203.0.113.254"
)

// start returns the time of the first record.
func (c Corpus) start() time.Time {
	if c.Start.IsZero() {
		return time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	}
	return c.Start.UTC()
}

func (c Corpus) days() int {
	if c.Days <= 0 {
		return 30
	}
	return c.Days
}

// Time returns when record n happened.
func (c Corpus) Time(n int) time.Time {
	span := time.Duration(c.days()) * 24 * time.Hour
	return c.start().Add(time.Duration(float64(span) * float64(n) / float64(max(c.Events, 1)))).Truncate(time.Second)
}

// IsNeedle says whether record n is one of the needles.
func (c Corpus) IsNeedle(n int) bool {
	step := max(c.Events/Needles, 1)
	return n%step == step/2 && n/step < Needles
}

// random is a sequence that is determined by where it starts.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	x := uint64(*r)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// among returns a number below n; the small ones are by far the most frequent.
func (r *random) among(n int) int {
	x := float64(r.next()>>11) / (1 << 53)
	return int(float64(n) * x * x * x)
}

type call struct {
	service, name string
	readOnly      bool
	request       string // %d: a number
	response      string
}

var calls = []call{
	{"ec2", "DescribeInstances", true, `{"instancesSet":{},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"}]}}]},"maxResults":%d}`, `null`},
	{"sts", "AssumeRole", true, `{"roleArn":"arn:aws:iam::111122223333:role/deploy-%d","roleSessionName":"deploy","durationSeconds":3600}`, `{"credentials":{"accessKeyId":"ASIAEXAMPLE%d","expiration":"May 1, 2026, 1:00:00 AM"}}`},
	{"s3", "ListBuckets", true, `{"Host":"s3.amazonaws.com","page":%d}`, `null`},
	{"ec2", "DescribeVolumes", true, `{"volumeSet":{"items":[{"volumeId":"vol-%016x"}]},"filterSet":{}}`, `null`},
	{"s3", "GetBucketAcl", true, `{"bucketName":"logs-%d.example.com","acl":""}`, `null`},
	{"kms", "Decrypt", true, `{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::data-%d/part"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `null`},
	{"iam", "GetRole", true, `{"roleName":"worker-%d"}`, `null`},
	{"logs", "CreateLogStream", false, `{"logGroupName":"/aws/lambda/worker-%d","logStreamName":"2026/05/01/[$LATEST]"}`, `null`},
	{"lambda", "Invoke", false, `{"functionName":"worker-%d","invocationType":"Event"}`, `null`},
	{"ssm", "GetParameter", true, `{"name":"/app/setting-%d","withDecryption":true}`, `null`},
	{"iam", "ListAttachedRolePolicies", true, `{"roleName":"worker-%d"}`, `null`},
	{"ec2", "RunInstances", false, `{"instancesSet":{"items":[{"imageId":"ami-%016x","minCount":1,"maxCount":1}]},"instanceType":"t3.micro"}`, `{"instancesSet":{"items":[{"instanceId":"i-%016x"}]}}`},
	{"iam", "CreateAccessKey", false, `{"userName":"robot-%d"}`, `{"accessKey":{"accessKeyId":"AKIAEXAMPLE%d","status":"Active"}}`},
	{"signin", "ConsoleLogin", false, `{"page":%d}`, `{"ConsoleLogin":"Success"}`},
}

var (
	regions = []string{"us-east-1", "eu-west-1", "ap-northeast-1", "us-west-2", "eu-central-1"}
	agents  = []string{"aws-sdk-go/1.55.5 (go1.22; linux; amd64)", "aws-cli/2.15.30 Python/3.11.8 Linux/6.1 exe/x86_64", "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux", "APN/1.0 HashiCorp/1.0 Terraform/1.7.5 (+https://www.terraform.io)", "console.amazonaws.com"}
)

// Append appends record n: about 1.2 KB of JSON.
func (c Corpus) Append(dst []byte, n int) []byte {
	r := random(c.Seed*0x2545f4914f6cdd1d + uint64(n))
	for range 3 {
		r.next()
	}
	x := calls[r.among(len(calls))]
	account := 111122220000 + int64(r.among(8))
	region := regions[r.among(len(regions))]
	user := r.among(200)
	ip := fmt.Sprintf("198.51.%d.%d", 100+r.among(12), r.among(250))
	agent := agents[r.among(len(agents))]
	if r.next()%5 == 0 {
		agent += " build/" + strconv.FormatUint(r.next()>>32, 36)
	}
	request, response := fmt.Sprintf(x.request, r.among(1000)), x.response
	if response != "null" && x.name != "ConsoleLogin" {
		response = fmt.Sprintf(response, r.next()>>1)
	}
	if c.IsNeedle(n) {
		ip, request = NeedleIP, `{"name":"/app/`+Needle+`","withDecryption":true}`
	}
	failure := ""
	if r.next()%100 == 0 {
		failure, response = fmt.Sprintf(`"errorCode":"AccessDenied","errorMessage":"User: arn:aws:iam::%d:user/user-%d is not authorized to perform: %s:%s",`, account, user, x.service, x.name), "null"
	}
	a, b, d := r.next(), r.next(), r.next()
	at := c.Time(n).Format("2006-01-02T15:04:05Z")
	return fmt.Appendf(dst, `{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%04d:user-%d","arn":"arn:aws:sts::%d:assumed-role/team-%d/user-%d","accountId":"%d","accessKeyId":"ASIAEXAMPLE%08d","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%04d","arn":"arn:aws:iam::%d:role/team-%d","accountId":"%d","userName":"team-%d"},"attributes":{"creationDate":"%s","mfaAuthenticated":"false"}}},"eventTime":"%s","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"%s","sourceIPAddress":"%s","userAgent":"%s",%s"requestParameters":%s,"responseElements":%s,"requestID":"%08x-%04x-4000-8000-%012x","eventID":"%08x-%04x-4%03x-8000-%012x","readOnly":%t,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%d","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"%s.%s.amazonaws.com"}}`,
		user%50, user, account, user%50, user, account, user*7919+int(c.Time(n).Unix()/3600)%1000, user%50, account, user%50, account, user%50, at, at, x.service, x.name, region, ip, agent,
		failure, request, response, uint32(a), uint16(a>>32), b>>16, uint32(d), uint16(d>>32), d>>52, (uint64(n)*2654435761+c.Seed)&0xffffffffffff, x.readOnly, account, x.service, region)
}

// Write writes the corpus as files of so many records, as CloudTrail delivers them: below
// dir/<year>/<month>/<day>.
func (c Corpus) Write(dir string, perFile int) error {
	for first := 0; first < c.Events; first += perFile {
		if err := c.file(dir, first, min(first+perFile, c.Events)); err != nil {
			return err
		}
	}
	return nil
}

func (c Corpus) file(dir string, from, to int) (err error) {
	folder := filepath.Join(dir, c.Time(from).Format("2006/01/02"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(folder, fmt.Sprintf("111122223333_CloudTrail_%s_%08d.json.gz", c.Time(from).Format("20060102T1504Z"), from)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := gzip.NewWriter(f)
	w := bufio.NewWriter(z)
	_, err = w.WriteString(`{"Records":[`)
	var line []byte
	for n := from; n < to && err == nil; n++ {
		line = line[:0]
		if n > from {
			line = append(line, ',')
		}
		_, err = w.Write(c.Append(line, n))
	}
	if err == nil {
		_, err = w.WriteString("]}\n")
	}
	return errors.Join(err, w.Flush(), z.Close())
}
