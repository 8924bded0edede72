//go:build unix

package keep_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/keep"
)

// BenchmarkPut keeps batches of a thousand records from two goroutines on a real disk, and
// says how much of a core that takes.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n, "records"), func(b *testing.B) {
			k := open(b, b.TempDir(), keep.Options{})
			r := rand.New(rand.NewPCG(1, 1))
			runs := [][]keep.Record{records(r, n), records(r, n), records(r, n), records(r, n)}
			var raw int64
			for _, rec := range runs[0] {
				raw += int64(len(rec.Raw))
			}
			done := make(chan error, 1<<20)
			cpu := usage(b)
			b.SetBytes(raw)
			b.ReportAllocs()
			count := 0
			for b.Loop() {
				batch := &keep.Batch{Source: "s3", Object: "s3://bucket/AWSLogs/111122223333/CloudTrail/2026/03/04/x.json.gz",
					Runs: []keep.Run{{Format: "aws.cloudtrail", Records: runs[count%len(runs)]}}, Done: func(_ []yagura.KeptRange, err error) { done <- err }}
				if err := k.Put(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				if count++; count > 1<<19 {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
			}
			for len(done) < min(count, 1<<19) {
				runtime.Gosched()
			}
			spent := usage(b) - cpu
			b.ReportMetric(float64(raw)*float64(count)/1e6/spent.Seconds(), "MB/cpu-s")
			s := k.Stats()
			b.ReportMetric(float64(s.RawBytes)/float64(s.Bytes), "ratio")
		})
	}
}

// usage returns the processor time that the process has taken.
func usage(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
