package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkCommand measures the whole command on .json.gz files of CloudTrail, with
// the shipped detections, against its floor: the processor time that unpacking the
// same files takes with the library of klauspost/compress. YAGURA_BENCH_LOGS names a
// folder of .json.gz files to measure with instead of invented ones, and
// YAGURA_BENCH_RULES rules in place of the shipped ones.
func BenchmarkCommand(b *testing.B) {
	bin := build(b)
	logs := os.Getenv("YAGURA_BENCH_LOGS")
	sizes := []int{50, 200, 800}
	if logs != "" {
		sizes = []int{0}
	}
	for _, files := range sizes {
		dir, name := logs, "given"
		if dir == "" {
			dir, name = b.TempDir(), fmt.Sprintf("%d000-events", files)
			writeTrail(b, dir, files)
		}
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d-workers", name, workers), func(b *testing.B) {
				best := spent{cpu: time.Hour, wall: time.Hour}
				floor := time.Hour
				for b.Loop() {
					floor = min(floor, unpackAll(b, dir))
					r := scanOnce(b, bin, dir, os.Getenv("YAGURA_BENCH_RULES"), workers)
					best.cpu, best.wall = min(best.cpu, r.cpu), min(best.wall, r.wall)
					best.rss = max(best.rss, r.rss)
				}
				b.ReportMetric(best.cpu.Seconds()/floor.Seconds(), "x-gunzip")
				b.ReportMetric(best.cpu.Seconds(), "cpu-s")
				b.ReportMetric(best.wall.Seconds(), "wall-s")
				b.ReportMetric(best.rss, "MB-rss")
			})
		}
	}
}

type spent struct {
	cpu, wall time.Duration
	rss       float64
}

// BenchmarkShipped measures what all shipped detections cost a scan against ten of them,
// and how long it takes until all of them are loaded (a scan of one event). The logs are
// those of [BenchmarkCommand].
func BenchmarkShipped(b *testing.B) {
	bin := build(b)
	dir := os.Getenv("YAGURA_BENCH_LOGS")
	if dir == "" {
		dir = b.TempDir()
		writeTrail(b, dir, 200)
	}
	ten := b.TempDir()
	for _, name := range []string{"access-denied-burst", "cloudtrail-trail-weakened", "ebs-snapshot-unshared", "ec2-security-group-data-port-open", "elastic-ip-released",
		"iam-group-inline-policy-allows-everything", "iam-user-created", "lambda-permission-for-everyone", "root-access-key-created", "s3-objects-encrypted-with-foreign-key"} {
		if err := os.CopyFS(filepath.Join(ten, name), os.DirFS(filepath.Join("..", "..", "detections", "aws", name))); err != nil {
			b.Fatal(err)
		}
	}
	one := b.TempDir()
	if err := os.WriteFile(filepath.Join(one, "event.json"), []byte(`{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`), 0o600); err != nil {
		b.Fatal(err)
	}
	all, few, start := time.Hour, time.Hour, time.Hour
	for b.Loop() {
		all = min(all, scanOnce(b, bin, dir, "shipped", 1).cpu)
		few = min(few, scanOnce(b, bin, dir, ten, 1).cpu)
		start = min(start, scanOnce(b, bin, one, "shipped", 2).wall)
	}
	b.ReportMetric(all.Seconds()/few.Seconds(), "x-ten")
	b.ReportMetric(float64(start.Milliseconds()), "ms-start")
}

func build(b *testing.B) string {
	bin := filepath.Join(b.TempDir(), "yagura")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

func scanOnce(b *testing.B, bin, dir, rules string, workers int) spent {
	args := []string{"scan", "--quiet", "--format", "jsonl", "--workers", strconv.Itoa(workers), "--output", os.DevNull}
	if rules != "" {
		args = append(args, "--rules", rules)
	}
	cmd := exec.Command(bin, append(args, dir)...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "YAGURA_") }), "GOMAXPROCS="+strconv.Itoa(workers))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("scan: %v\n%s", err, stderr.Bytes())
	}
	r := spent{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), wall: time.Since(start)}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.rss = float64(u.Maxrss) / 1000
	}
	return r
}

// unpackAll returns the processor time of this process for unpacking every file of dir.
func unpackAll(b *testing.B, dir string) time.Duration {
	names, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil || len(names) == 0 {
		b.Fatalf("no .gz files in %s", dir)
	}
	before := processorTime(b)
	var z gzip.Reader
	buf := make([]byte, 256<<10)
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		if err := z.Reset(f); err != nil {
			b.Fatal(err)
		}
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{&z}, buf); err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
	return processorTime(b) - before
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// writeTrail writes files of a thousand invented CloudTrail records each: the
// ordinary work of 200 users and roles, and one user created in a thousand.
func writeTrail(b *testing.B, dir string, files int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for f := range files {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		io.WriteString(z, `{"Records":[`)
		for i := range 1000 {
			if i > 0 {
				io.WriteString(z, ",")
			}
			ordinaryRecord(z, rnd, time.Date(2026, 3, 7, f%24, i/17, i%60, 0, time.UTC), i == 500)
		}
		io.WriteString(z, `]}`)
		if err := z.Close(); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.json.gz", f)), out.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

var ordinaryCalls = [][2]string{{"ec2.amazonaws.com", "DescribeInstances"}, {"s3.amazonaws.com", "GetObject"}, {"s3.amazonaws.com", "PutObject"},
	{"kms.amazonaws.com", "Decrypt"}, {"sts.amazonaws.com", "GetCallerIdentity"}, {"logs.amazonaws.com", "DescribeLogGroups"},
	{"dynamodb.amazonaws.com", "DescribeTable"}, {"ecr.amazonaws.com", "GetAuthorizationToken"}}

// ordinaryRecord writes what a role did at a time; with create it creates a user.
func ordinaryRecord(w io.Writer, rnd *rand.Rand, at time.Time, create bool) {
	call := ordinaryCalls[rnd.IntN(len(ordinaryCalls))]
	if create {
		call = [2]string{"iam.amazonaws.com", "CreateUser"}
	}
	user, job := rnd.IntN(200), rnd.IntN(1000)
	fmt.Fprintf(w, `{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%04d:job-%d","arn":"arn:aws:sts::111122223333:assumed-role/role-%d/job-%d","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE%05d","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%04d","arn":"arn:aws:iam::111122223333:role/role-%d","accountId":"111122223333","userName":"role-%d"},"attributes":{"creationDate":"%s","mfaAuthenticated":"false"}}},`,
		user, job, user, job, rnd.IntN(100000), user, user, user, at.Format("2006-01-02T15:00:00Z"))
	fmt.Fprintf(w, `"eventTime":"%s","eventSource":"%s","eventName":"%s","awsRegion":"ap-northeast-1","sourceIPAddress":"198.51.100.%d","userAgent":"aws-sdk-go-v2/1.%d os/linux lang/go#1.26 md/GOARCH#arm64 api/client#1.%d","requestParameters":{"maxResults":%d,"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-%08x"}]}}]},"userName":"user-%d"},"responseElements":null,"requestID":"%08x-0000-4000-8000-%012x","eventID":"%08x-%04x-4000-8000-%012x","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"%s"}}`,
		at.Format(time.RFC3339), call[0], call[1], rnd.IntN(250), rnd.IntN(40), rnd.IntN(40), rnd.IntN(1000), rnd.Uint32(), rnd.IntN(5000), rnd.Uint32(), rnd.Uint64()&(1<<48-1), rnd.Uint32(), rnd.IntN(1<<16), rnd.Uint64()&(1<<48-1), call[0])
}
