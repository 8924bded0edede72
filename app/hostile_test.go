//go:build linux

package app

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// program builds the binary and returns where it is.
func program(t *testing.T) string {
	t.Helper()
	bin, err := built(root(t))
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// built builds the program once for all tests; TestMain removes it.
func built(root string) (string, error) {
	building.Do(func() {
		if building.dir, building.err = os.MkdirTemp("", "yagura-test-"); building.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(building.dir, "yagura"), "./cmd/yagura")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			building.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	return filepath.Join(building.dir, "yagura"), building.err
}

var building struct {
	sync.Once
	dir string
	err error
}

// ended is what is left of a child process.
type ended struct {
	stdout string // the file that holds it: this process stays small
	size   int64  // of it
	stderr string
	code   int
	peak   int64 // bytes resident at most
}

func runProgram(t *testing.T, bin string, args ...string) ended {
	t.Helper()
	var words bytes.Buffer
	out, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(bin, args...)
	cmd.Stdout, cmd.Stderr = out, &words
	cmd.Env = childEnviron()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	info, err := out.Stat()
	if err != nil {
		t.Fatal(err)
	}
	// In kilobytes on Linux. It may count what this process held when it started the
	// other, which is little.
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("there is no resource usage")
	}
	return ended{out.Name(), info.Size(), words.String(), cmd.ProcessState.ExitCode(), usage.Maxrss << 10}
}

// said says whether a text stands on standard output.
func (e ended) said(t *testing.T, text string) bool {
	t.Helper()
	f, err := os.Open(e.stdout)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf, kept := make([]byte, 1<<20), 0
	for {
		n, err := f.Read(buf[kept:])
		if bytes.Contains(buf[:kept+n], []byte(text)) {
			return true
		}
		if err != nil {
			return false
		}
		kept = copy(buf, buf[max(0, kept+n-len(text)):kept+n])
	}
}

// childEnviron is the environment without what would change the language, the memory
// or the configuration of the binary.
func childEnviron() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "YAGURA_") || strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "GOMEMLIMIT=")
	})
	return append(env, "LANG=C", "LC_ALL=")
}

const (
	memoryBound = 512 << 20
	gigabyte    = 1 << 30
)

// again writes a text over and over until so many bytes are written.
func again(w io.Writer, text string, total int64) {
	block := []byte(strings.Repeat(text, max(1, (1<<20)/len(text))))
	for n := int64(0); n < total; n += int64(len(block)) {
		if _, err := w.Write(block); err != nil {
			return // the file's own Close says why
		}
	}
}

// hostile is a file that wants too much, beside a good one.
type hostile struct {
	name  string
	write func(w io.Writer)
	pack  string // what it is packed in: gz, zst, zip, tar.gz, gz.gz
	after bool   // a good record follows in the same file and is found
	says  string // a pattern on standard error
	args  []string
	// copies is how many such files there are; 0 means one.
	copies int
}

// goodLine is a record that the shipped detections find.
func goodLine(n int) string { return event(n, n, "StopLogging", "alice") + "\n" }

func hostileFiles() []hostile {
	const tooLong = `longer than \d+ bytes|out of all proportion`
	return []hostile{
		{name: "blanks", write: func(w io.Writer) { again(w, " ", gigabyte) }, pack: "gz"},
		{name: "empty lines", write: func(w io.Writer) { again(w, "\n", gigabyte) }, pack: "zst", says: "out of all proportion"},
		{name: "zeros", write: func(w io.Writer) { again(w, "\x00", gigabyte) }, pack: "gz", says: "not JSON|out of all"},
		{name: "endless string", write: func(w io.Writer) { io.WriteString(w, `{"eventName":"`); again(w, "a", gigabyte) }, pack: "gz", says: tooLong},
		{name: "endless string of escapes", write: func(w io.Writer) { io.WriteString(w, `{"eventName":"`); again(w, `\u0041`, gigabyte) }, pack: "gz", says: tooLong},
		{name: "endless number", write: func(w io.Writer) { io.WriteString(w, `{"n":`); again(w, "1", gigabyte) }, pack: "gz", says: tooLong},
		{name: "nested lists", write: func(w io.Writer) { again(w, "[", gigabyte) }, pack: "gz", says: "deep|level|" + tooLong},
		{name: "nested objects", write: func(w io.Writer) { again(w, `{"a":`, gigabyte) }, pack: "gz", says: "deep|level|" + tooLong},
		{name: "nested envelopes without end", write: func(w io.Writer) { again(w, `{"Records":[`, gigabyte) }, pack: "gz", says: "deep|level|" + tooLong},
		{name: "a list of lists", write: func(w io.Writer) { io.WriteString(w, "["); again(w, "[],", gigabyte) }, pack: "gz"},
		{name: "commas", write: func(w io.Writer) { io.WriteString(w, "["); again(w, ",", gigabyte) }, pack: "gz", says: "out of all proportion"},
		{name: "empty objects", write: func(w io.Writer) { again(w, "{}\n", gigabyte/16) }, pack: "gz"},
		{name: "the same record", write: func(w io.Writer) { again(w, goodLine(1), gigabyte) }, pack: "gz", says: "repeats dropped"},
		{name: "zstd", write: func(w io.Writer) { again(w, " ", 4*gigabyte) }, pack: "zst", says: "out of all proportion"},
		{name: "zip", write: func(w io.Writer) { again(w, " ", gigabyte) }, pack: "zip"},
		{name: "tar.gz", write: func(w io.Writer) { again(w, "\x00", gigabyte) }, pack: "tar.gz", says: "not JSON|out of all"},
		{name: "packed twice", write: func(w io.Writer) { again(w, " ", 4*gigabyte) }, pack: "gz.gz", says: "out of all proportion"},

		{name: "a line of 200 MB", write: func(w io.Writer) { io.WriteString(w, `{"a":"`); again(w, "x", 200<<20); io.WriteString(w, "\"}\n") }, after: true, says: tooLong},
		{name: "a line of 200 MB that is no JSON", write: func(w io.Writer) { again(w, "x", 200<<20); io.WriteString(w, "\n") }, after: true, says: "not JSON"},
		{name: "a list of 200 MB in a line", write: func(w io.Writer) { io.WriteString(w, `{"a":[1`); again(w, ",1", 200<<20); io.WriteString(w, "]}\n") }, after: true, says: tooLong},
		{name: "100,000 deep lists in a record", write: func(w io.Writer) {
			fmt.Fprintf(w, `{"a":%s%s}`+"\n", strings.Repeat("[", 100_000), strings.Repeat("]", 100_000))
		}, after: true, says: "deep|level"},
		{name: "100,000 deep objects", write: func(w io.Writer) {
			fmt.Fprintf(w, `%s1%s`+"\n", strings.Repeat(`{"a":`, 100_000), strings.Repeat("}", 100_000))
		}, after: true, says: "deep|level"},
		{name: "100,000 deep lists", write: func(w io.Writer) {
			fmt.Fprintf(w, "%s%s\n", strings.Repeat("[", 100_000), strings.Repeat("]", 100_000))
		}, after: true, says: "deep|level"},
		{name: "100,000 deep envelopes", write: func(w io.Writer) {
			fmt.Fprintf(w, `%s%s`+"\n", strings.Repeat(`{"Records":[`, 100_000), strings.Repeat("]}", 100_000))
		}, after: true, says: "deep|level"},
		{name: "envelopes inside text", write: func(w io.Writer) {
			inner := strings.TrimSpace(goodLine(5))
			for range 14 {
				text, _ := json.Marshal(inner)
				inner = `{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Message":` + string(text) + `}`
				if len(inner) > 20<<20 {
					break
				}
			}
			io.WriteString(w, inner+"\n")
		}, after: true},
		{name: "records of 30 MB", write: func(w io.Writer) {
			for range 8 {
				io.WriteString(w, `{"eventName":"`)
				again(w, "x", 30<<20)
				io.WriteString(w, "\"}\n")
			}
		}, after: true, args: []string{"--workers", "8"}},
		{name: "findings about texts of a megabyte", write: func(w io.Writer) {
			long := strings.Repeat("x", 1<<20)
			for i := range 600 {
				io.WriteString(w, strings.Replace(goodLine(10+i), fmt.Sprintf(`"trail-%d"`, 10+i), fmt.Sprintf(`"trail-%d%s"`, 10+i, long), 1))
			}
		}, after: true},
		{name: "lines of 200 MB in 8 files", copies: 8, write: func(w io.Writer) { io.WriteString(w, `{"a":"`); again(w, "x", 200<<20); io.WriteString(w, "\"}\n") }, after: true, says: tooLong, args: []string{"--workers", "8"}},
		{name: "records of 30 MB in 16 files", copies: 16, write: func(w io.Writer) {
			for i := range 2 {
				io.WriteString(w, strings.Replace(goodLine(10+i), fmt.Sprintf(`"trail-%d"`, 10+i), fmt.Sprintf(`"trail-%d%s"`, 10+i, strings.Repeat("X", 30_000_000)), 1))
			}
		}, after: true, args: []string{"--workers", "16"}},
		{name: "a record of a million keys", write: func(w io.Writer) {
			io.WriteString(w, `{"a":1`)
			for i := range 1_000_000 {
				fmt.Fprintf(w, `,"k%d":%d`, i, i)
			}
			io.WriteString(w, "}\n")
		}, after: true},
		{name: "a million broken lines", write: func(w io.Writer) { again(w, `{"eventVersion":x}`+"\n", 19_000_000) }, after: true, says: "1,0[0-9]{2},[0-9]{3} broken"},
		{name: "a million broken records in a list", write: func(w io.Writer) {
			io.WriteString(w, `{"Records":[{"a":1}`)
			again(w, `,{"a":nothing}`, 14_000_000)
			io.WriteString(w, "]}\n")
		}, after: true, says: "1,0[0-9]{2},[0-9]{3} broken"},
		{name: "a million lines of text", write: func(w io.Writer) { again(w, "2026-03-02 a line of text\n", 26_000_000) }, after: true, says: "broken"},
		{name: "100,000 findings of one cause", write: func(w io.Writer) {
			for i := range 100_000 {
				io.WriteString(w, strings.Replace(goodLine(10+i), fmt.Sprintf(`"trail-%d"`, 10+i), `"trail-1"`, 1))
			}
		}, after: true, says: "100,002 high", args: []string{"--format", "table", "--explain"}},
		{name: "100,000 findings of as many causes", write: func(w io.Writer) {
			for i := range 100_000 {
				io.WriteString(w, goodLine(10+i))
			}
		}, after: true, says: "100,002 high", args: []string{"--format", "table", "--explain"}},
		{name: "100,000 findings in SARIF", write: func(w io.Writer) {
			for i := range 100_000 {
				io.WriteString(w, goodLine(10+i))
			}
		}, after: true, says: "100,002 high", args: []string{"--format", "sarif"}},
		{name: "a window over two million values", write: func(w io.Writer) {
			for i := range 2_000_000 {
				fmt.Fprintf(w, `{"eventVersion":"1","eventTime":"2026-03-02T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"w-%d","requestParameters":{"key":"some/rather/long/key/of/an/object/%d"}}`+"\n", i, i)
			}
		}, after: true, args: []string{"--rules", "RULES"}},
	}
}

const windowRules = `title: Objects
name: objects
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: GetObject}, condition: s}
---
title: Many objects
correlation: {type: value_count, rules: [objects], timespan: 1d, condition: {gte: 100, field: requestParameters.key}}
level: high
---
title: Many reads
correlation: {type: event_count, rules: [objects], timespan: 1d, condition: {gte: 100}}
level: high
---
title: CloudTrail logging disabled
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: StopLogging}, condition: s}
level: high
`

// TestHostile gives the binary files that want too much. Each ends in an error that is
// said or in a report, what stands beside and behind it is found, and memory is bounded.
func TestHostile(t *testing.T) {
	if os.Getenv("YAGURA_PROVE") == "" {
		t.Skip("takes minutes and gigabytes: YAGURA_PROVE=1 runs it")
	}
	bin := program(t)
	for _, h := range hostileFiles() {
		t.Run(h.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			writePacked(t, "a", h)
			writeFile(t, "b.json", strings.TrimSpace(goodLine(2)))
			writeFile(t, "rules.yml", windowRules)
			args := []string{"scan", "--workers", "2", "--format", "jsonl"}
			for _, a := range h.args {
				args = append(args, strings.Replace(a, "RULES", "rules.yml", 1))
			}
			args = append(args, "a", "b.json")
			for i := range h.copies - 1 {
				name := fmt.Sprint("a", i)
				if err := os.Link("a", name); err != nil {
					t.Fatal(err)
				}
				args = append(args, name)
			}
			got := runProgram(t, bin, args...)
			t.Logf("peak %d MB, exit code %d, %d bytes of findings; %s", got.peak>>20, got.code, got.size, shorten(got.stderr))
			if got.code != 0 {
				t.Errorf("exit code %d", got.code)
			}
			if got.peak > memoryBound {
				t.Errorf("%d MB were resident", got.peak>>20)
			}
			if h.says != "" && !regexp.MustCompile(h.says).MatchString(got.stderr) {
				t.Errorf("standard error does not say %q", h.says)
			}
			for n, there := range map[int]bool{2: true, 3: h.after} {
				id := fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
				if there && !strings.Contains(strings.Join(h.args, " "), "table") && !got.said(t, id) {
					t.Errorf("good record %d was not found", n)
				}
			}
			if strings.Contains(got.stderr, "goroutine ") {
				t.Error("it panicked")
			}
		})
	}
}

func shorten(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > 6 {
		lines = append(append(lines[:2:2], "…"), lines[len(lines)-3:]...)
	}
	for i, l := range lines {
		if len(l) > 200 {
			lines[i] = l[:200] + "…"
		}
	}
	return strings.Join(lines, " / ")
}

// writePacked writes a hostile file.
func writePacked(t *testing.T, name string, h hostile) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriterSize(f, 1<<20)
	var w io.Writer = out
	var closers []io.Closer
	add := func(c io.WriteCloser, err error) {
		if err != nil {
			t.Fatal(err)
		}
		w, closers = c, append(closers, c)
	}
	switch h.pack {
	case "gz":
		add(gzip.NewWriter(w), nil)
	case "gz.gz":
		add(gzip.NewWriter(w), nil)
		add(gzip.NewWriter(w), nil)
	case "zst":
		zs, err := zstd.NewWriter(w)
		add(zs, err)
	case "zip":
		zw := zip.NewWriter(w)
		closers = append(closers, zw)
		if w, err = zw.Create("a.json"); err != nil {
			t.Fatal(err)
		}
	case "tar.gz":
		add(gzip.NewWriter(w), nil)
		tw := tar.NewWriter(w)
		closers = append(closers, tw)
		if err := tw.WriteHeader(&tar.Header{Name: "a.json", Mode: 0o644, Size: gigabyte}); err != nil {
			t.Fatal(err)
		}
		w = tw
	}
	h.write(w)
	if h.after {
		io.WriteString(w, goodLine(3))
	}
	for _, closer := range slices.Backward(closers) {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
}
