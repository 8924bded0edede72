package decode

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestGivenText reads given text logs by expressions, as public pipelines do, and asks for
// the same time, address, action, outcome, account and actor in the header of each record.
func TestGivenText(t *testing.T) {
	data := sharedData(t)
	status := func(code string) string {
		switch {
		case code == "-" || code == "":
			return "unknown"
		case code >= "400" || code == "000":
			return "failure"
		}
		return "success"
	}
	known := func(s string) string {
		if s == "-" || strings.Contains(s, "x") || strings.Contains(s, "X") {
			return "" // masked
		}
		return s
	}
	for _, c := range []struct {
		files, form string
		want        func(m []string) string
	}{
		{"aws/vpcflow-opensearch.log", `^2 (\d+) \S+ (\S+) \S+ \d+ \d+ \d+ \d+ \d+ \d+ (\d+) (ACCEPT|REJECT) OK$`, func(m []string) string {
			var at int64
			_, _ = fmt.Sscan(m[3], &at)
			outcome := map[string]string{"ACCEPT": "success", "REJECT": "failure"}[m[4]]
			return fmt.Sprint(time.Unix(at, 0).UTC().Format(time.RFC3339Nano), m[2], strings.ToLower(m[4]), outcome, m[1], "")
		}},
		{"aws/elb/*.log*", `^(?:https?|h2|wss?) (\S+)Z \S+ (\S+):\d+ \S+ \S+ \S+ \S+ (\S+) \S+ \d+ \d+ "(\S+) [^"]*" "(?:[^"]*)" \S+ \S+ arn:aws:elasticloadbalancing:[^:]*:([^: ]+)`, func(m []string) string {
			at, _ := time.Parse("2006-01-02T15:04:05", m[1])
			return fmt.Sprint(at.Format(time.RFC3339Nano), known(m[2]), m[4], status(m[3]), m[5], "")
		}},
		{"aws/elb/plaso*.log", `^(\S+)Z my-loadbalancer (\S+):\d+ \S+ \S+ \S+ \S+ (\d+) \S+ \d+ \d+ "(\S+) [^"]*"`, func(m []string) string {
			at, _ := time.Parse("2006-01-02T15:04:05", m[1])
			return fmt.Sprint(at.Format(time.RFC3339Nano), m[2], m[4], status(m[3]), "", "")
		}},
		{"aws/s3access/*.log", `^\S+ \S+ \[([^\]]+)\] (\S+) (\S+) \S+ (\S+) \S+ "[^"]*" \d+ (\S+)`, func(m []string) string {
			at, _ := time.Parse("02/Jan/2006:15:04:05 -0700", m[1])
			outcome := "success"
			if m[5] != "-" {
				outcome = "failure"
			}
			return fmt.Sprint(at.UTC().Format(time.RFC3339Nano), known(m[2]), m[4], outcome, strings.Split(m[3]+":::::", ":")[4], strings.TrimPrefix(m[3], "-"))
		}},
		{"aws/*/*loud[Ff]ront*", `^(\S+)\t(\S+)\t\S+\t\S+\t(\S+)\t(\S+)\t\S+\t\S+\t(\d+)\t`, func(m []string) string {
			return fmt.Sprint(m[1]+"T"+m[2]+"Z", known(m[3]), m[4], status(m[5]), "", "")
		}},
		{"aws/cloudfront/*.gz", `^(\S+)\t(\S+)\t\S+\t\S+\t(\S+)\t(\S+)\t\S+\t\S+\t(\d+)\t`, func(m []string) string {
			return fmt.Sprint(m[1]+"T"+m[2]+"Z", m[3], m[4], status(m[5]), "", "")
		}},
	} {
		files, _ := filepath.Glob(filepath.Join(data, c.files))
		form := regexp.MustCompile(c.form)
		all, same, shown := 0, 0, 0
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if z, err := gzip.NewReader(bytes.NewReader(raw)); err == nil {
				if raw, err = io.ReadAll(z); err != nil {
					t.Fatal(err)
				}
			}
			at := map[int64]string{} // by offset
			offset := int64(0)
			for line := range bytes.Lines(raw) {
				if m := form.FindStringSubmatch(strings.TrimRight(string(line), "\r\n")); m != nil {
					at[offset] = c.want(m)
				}
				offset += int64(len(line))
			}
			for _, e := range events(t, raw, filepath.Base(file)) {
				want, ok := at[e.Offset]
				if !ok {
					continue
				}
				got := fmt.Sprint(e.Time.Format(time.RFC3339Nano), e.SrcIP, e.Action, e.Outcome, e.Account, e.Actor.ID)
				if all++; got == want {
					same++
				} else if shown++; shown < 4 {
					t.Logf("%s at %d:\n got %s\nwant %s", filepath.Base(file), e.Offset, got, want)
				}
			}
		}
		t.Logf("%s: %d of %d headers are as a pipeline has them", c.files, same, all)
		if all == 0 || same*100 < all*98 {
			t.Errorf("%s: %d of %d headers are as a pipeline has them", c.files, same, all)
		}
	}
}
