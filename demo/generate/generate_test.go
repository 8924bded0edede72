package generate_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/demo/generate"
)

var end = time.Date(2026, 11, 27, 6, 30, 0, 0, time.UTC)

// week is what most tests look at.
var week = sync.OnceValues(func() ([]generate.File, []generate.Record) { return fresh(1) })

// fresh makes every file of a week, hour by hour, and its records.
func fresh(seed uint64) (files []generate.File, records []generate.Record) {
	w := generate.New(generate.Options{Seed: seed, End: end})
	add := func(list []generate.Record) {
		f, err := generate.Files(list)
		if err != nil {
			panic(err)
		}
		files, records = append(files, f...), append(records, list...)
	}
	for h := range generate.Hours {
		add(w.Hour(h))
	}
	add(w.Story())
	return files, records
}

func digest(files []generate.File) string {
	h := sha256.New()
	for _, f := range files {
		io.WriteString(h, string(f.Feed)+"\x00"+f.Name+"\x00")
		h.Write(f.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestSame: the same seed and end give the same bytes, another seed gives others.
func TestSame(t *testing.T) {
	one, _ := week()
	again, _ := fresh(1)
	other, _ := fresh(2)
	if digest(one) != digest(again) {
		t.Error("the same seed gave other bytes")
	}
	if digest(one) == digest(other) {
		t.Error("another seed gave the same bytes")
	}
}

// TestNames: no two files of a feed have one name, or else one would replace the other.
func TestNames(t *testing.T) {
	files, _ := week()
	seen := map[string]bool{}
	for _, f := range files {
		name := string(f.Feed) + "/" + f.Name
		if seen[name] {
			t.Errorf("two files are called %s", name)
		}
		seen[name] = true
	}
}

// TestVolume: there is enough to see and not too much to wait for, of each feed, and office
// work is done in office hours.
func TestVolume(t *testing.T) {
	_, records := week()
	if n := len(records); n < 150_000 || n > 300_000 {
		t.Errorf("%d records", n)
	}
	n := map[generate.Feed]int{}
	byDay, night := 0, 0
	for _, r := range records {
		n[r.Feed]++
		if r.At.Before(r.Time) {
			t.Fatalf("%s: a record arrives before it happens", r.Feed)
		}
		if r.Feed == generate.M365 {
			if h := r.Time.Add(9 * time.Hour).Hour(); h >= 8 && h < 22 {
				byDay++
			} else {
				night++
			}
		}
	}
	for _, f := range generate.Feeds() {
		least := 200
		if f == generate.GuardDuty {
			least = 4
		}
		if n[f] < least {
			t.Errorf("%s has %d records", f, n[f])
		}
	}
	if byDay < 10*night {
		t.Errorf("%d records of mail and files by day, %d by night", byDay, night)
	}
}

// TestHours: any hour can be asked for alone, and lies where it says.
func TestHours(t *testing.T) {
	w := generate.New(generate.Options{Seed: 1, End: end})
	for _, n := range []int{0, 77, generate.Hours - 1, generate.Hours, generate.Hours + 30} {
		from := w.Start().Add(time.Duration(n) * time.Hour)
		list := w.Hour(n)
		if len(list) == 0 {
			t.Errorf("hour %d has nothing", n)
		}
		for _, r := range list {
			if r.Time.Before(from.Add(-time.Minute)) || r.Time.After(from.Add(time.Hour+10*time.Minute)) {
				t.Errorf("hour %d, %s: a record of %s", n, r.Feed, r.Time)
			}
		}
		if !slices.IsSortedFunc(list, func(a, b generate.Record) int { return a.At.Compare(b.At) }) {
			t.Errorf("hour %d is not in the order of arrival", n)
		}
	}
}

// TestDecodes: every record is of a format that is known, and only those that were cut on
// their way cannot be read.
func TestDecodes(t *testing.T) {
	files, _ := week()
	d, err := decode.New(decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	formats := map[string]int{}
	broken := 0
	for _, f := range files {
		good, bad := 0, 0
		r := d.NewReader(bytes.NewReader(f.Data), f.Name)
		for {
			rec, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				bad++
				continue
			}
			good++
			formats[rec.Format.Name]++
		}
		r.Close()
		if good != f.Records || bad != f.Broken {
			t.Errorf("%s/%s: %d records and %d broken, want %d and %d", f.Feed, f.Name, good, bad, f.Records, f.Broken)
		}
		broken += bad
	}
	if broken != 4 {
		t.Errorf("%d broken records, want the 4 that are planned", broken)
	}
	want := []string{"aws.cloudtrail", "aws.elb", "aws.guardduty", "aws.vpcflow", "aws.waf", "entra.audit", "entra.risk", "entra.signin", "falco.alert", "gcp.audit", "github.audit", "kubernetes.audit", "m365.audit", "microsoft.graph_activity"}
	if got := slices.Sorted(maps.Keys(formats)); !slices.Equal(got, want) {
		t.Errorf("formats %v, want %v", got, want)
	}
}

// TestInvented: addresses are those set aside for documentation or private ones, accounts are
// those of the company or of the documentation of AWS, and domains are nobody's but those of
// the services that write the logs.
func TestInvented(t *testing.T) {
	_, records := week()
	address := regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	six := regexp.MustCompile(`\b2[0-9a-f]{3}:[0-9a-f:]+`)
	mail := regexp.MustCompile(`[\w.+-]+@([\w-]+\.)+[a-z]{2,}`)
	account := regexp.MustCompile(`"(?:accountId|recipientAccountId|ownerId|AwsAccountId)":"(\d{12})"`)
	var ranges []netip.Prefix
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8", "0.0.0.0/32"} {
		ranges = append(ranges, netip.MustParsePrefix(p))
	}
	invented := func(a netip.Addr) bool {
		return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	clock := regexp.MustCompile(`^2\d{3}:\d\d:\d\d`)
	agents := regexp.MustCompile(`(?:Chrome|kubectl|Safari|Edg)/[\d.]+`)    // versions that look like addresses
	story := len(generate.New(generate.Options{Seed: 1, End: end}).Story()) // the last of the records
	for i, r := range records {
		if i%7 != 0 && i < len(records)-story {
			continue // ordinary work repeats itself
		}
		line := agents.ReplaceAllString(string(r.Line), "")
		for _, text := range address.FindAllString(line, -1) {
			if a, err := netip.ParseAddr(text); err == nil && !invented(a) {
				t.Fatalf("%s: address %s in %s", r.Feed, text, line)
			}
		}
		for _, text := range six.FindAllString(line, -1) {
			if !strings.HasPrefix(text, "2001:db8:") && !clock.MatchString(text) {
				t.Fatalf("%s: address %s", r.Feed, text)
			}
		}
		for _, text := range mail.FindAllString(line, -1) {
			if !strings.HasSuffix(text, ".example") && !strings.HasSuffix(text, ".iam.gserviceaccount.com") && !strings.HasSuffix(text, "@live.com") {
				t.Fatalf("%s: mail address %s", r.Feed, text)
			}
		}
		for _, m := range account.FindAllStringSubmatch(line, -1) {
			if !slices.ContainsFunc(generate.Accounts(), func(a generate.Account) bool { return a.ID == m[1] }) {
				t.Fatalf("%s: account %s", r.Feed, m[1])
			}
		}
	}
}

// TestJSON: what is said to be JSON is.
func TestJSON(t *testing.T) {
	_, records := week()
	for _, r := range records {
		if r.Feed == generate.FlowLogs || r.Feed == generate.LoadLogs || r.Broken {
			continue
		}
		if !json.Valid(r.Line) {
			t.Fatalf("%s: %s", r.Feed, r.Line)
		}
	}
}

// TestZipped: files whose names say that they are compressed are.
func TestZipped(t *testing.T) {
	files, _ := week()
	for _, f := range files {
		_, err := gzip.NewReader(bytes.NewReader(f.Data))
		if zipped := err == nil; zipped != strings.HasSuffix(f.Name, ".gz") {
			t.Errorf("%s: compressed %t", f.Name, zipped)
		}
	}
}

func BenchmarkWeek(b *testing.B) {
	for b.Loop() {
		fresh(1)
	}
}
