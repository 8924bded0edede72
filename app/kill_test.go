//go:build linux

package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterruptedScan sends Ctrl-C to a long scan that is in full course: it ends soon,
// with exit code 130, and what was found until then is whole lines, whole JSON, a whole
// table. Windows that were complete by then are found too.
func TestInterruptedScan(t *testing.T) {
	bin := program(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "rules.yml"), testRules)
	for _, format := range []string{"jsonl", "ocsf", "sarif", "table"} {
		t.Run(format, func(t *testing.T) {
			t.Chdir(dir)
			// The log is a pipe that never ends, so the scan is in full course whenever it is asked.
			name := "log-" + format
			if err := syscall.Mkfifo(name, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(bin, "scan", "--rules", "rules.yml", "--format", format, name)
			cmd.Env = childEnviron()
			var out, words bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &words
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill() //nolint:errcheck // it has ended unless the test failed
			log, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			written := make(chan int)
			go func() {
				n := 0
				for ; ; n++ {
					if n == 20_000 {
						cmd.Process.Signal(os.Interrupt) //nolint:errcheck // the exit code shows it
					}
					if _, err := io.WriteString(log, goodLine(n)); err != nil {
						break
					}
				}
				written <- n
			}()
			err = wait(t, cmd)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 130 {
				t.Errorf("%v: %s", err, words.String())
			}
			log.Close()
			n := <-written
			if !strings.Contains(words.String(), "interrupted") {
				t.Errorf("standard error: %s", words.String())
			}
			switch text := out.String(); format {
			case "table":
				if !strings.Contains(text, "Trail stopped") || !strings.HasSuffix(text, "\n") {
					t.Errorf("%d bytes of table", len(text))
				}
			case "sarif":
				if !json.Valid(out.Bytes()) || strings.Count(text, "ruleId") < 1000 {
					t.Errorf("%d bytes of SARIF", len(text))
				}
			default:
				lines := strings.SplitAfter(text, "\n")
				if len(lines) < 1000 || len(lines) > 2*n || lines[len(lines)-1] != "" {
					t.Errorf("%d lines of %d events", len(lines), n)
				}
				for _, l := range lines[:len(lines)-1] {
					if !json.Valid([]byte(l)) {
						t.Fatalf("not JSON: %s", l)
					}
				}
				if !strings.Contains(text, "Many trails stopped") {
					t.Error("no window was found")
				}
			}
		})
	}
}

// TestInterruptedBeforeTheWriter interrupts a scan of a named pipe that nobody writes to:
// opening it waits, and what stands before it was found.
func TestInterruptedBeforeTheWriter(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	writeFile(t, "rules.yml", testRules)
	writeFile(t, "a.jsonl", strings.TrimSpace(goodLine(1)))
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "scan", "--rules", "rules.yml", "--format", "jsonl", "--workers", "1", "a.jsonl", "missing", "pipe")
	cmd.Env = childEnviron()
	var out bytes.Buffer
	cmd.Stdout = &out
	words, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// What is said of the missing file says that the pipe is next.
	said := bufio.NewReader(words)
	if line, err := said.ReadString('\n'); err != nil || !strings.Contains(line, "missing") {
		t.Errorf("%q, %v", line, err)
	}
	cmd.Process.Signal(os.Interrupt) //nolint:errcheck // the exit code shows it
	rest, _ := io.ReadAll(said)
	err = wait(t, cmd)
	if strings.Contains(string(rest), "context canceled") {
		t.Errorf("standard error: %s", rest)
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("%v", err)
	}
	if !strings.Contains(out.String(), "Trail stopped") {
		t.Errorf("found %q", out.String())
	}
}

// wait ends a process that does not end by itself.
func wait(t *testing.T, cmd *exec.Cmd) error {
	t.Helper()
	late := time.AfterFunc(time.Minute, func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended this moment
	})
	defer late.Stop()
	return cmd.Wait()
}

// TestFullDisk writes every kind of output to a disk that is full: it is an error that
// is said, never a silence that looks like nothing was found.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	bin := program(t)
	dir := t.TempDir()
	t.Chdir(dir)
	writeFile(t, "rules/r.yml", testRules)
	var few, many []string
	for i := range 5000 {
		many = append(many, strings.TrimSpace(goodLine(i)))
	}
	few = many[:1]
	writeFile(t, "few.jsonl", few...)
	writeFile(t, "many.jsonl", many...)
	var commands [][]string
	for _, format := range []string{"jsonl", "ocsf", "sarif", "table"} {
		for _, log := range []string{"few.jsonl", "many.jsonl"} {
			commands = append(commands, []string{"scan", "--format", format, log}, []string{"scan", "--format", format, "-o", "/dev/full", log})
		}
	}
	commands = append(commands, []string{"decode", "few.jsonl"}, []string{"decode", "many.jsonl"}, []string{"decode", "--format", "ocsf", "few.jsonl"},
		[]string{"demo"}, []string{"rule", "list"}, []string{"rule", "coverage"}, []string{"rule", "explain", "--rules", "rules", "Trail stopped"},
		[]string{"version"}, []string{"completion", "bash"})
	for _, args := range commands {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bin, args...)
		cmd.Env = childEnviron()
		var words bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &words
		err = cmd.Run()
		full.Close()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(words.String(), "no space left") {
			t.Errorf("yagura %s: %v, standard error: %s", strings.Join(args, " "), err, words.String())
		}
	}
}

// TestSpillDiskIsFull leaves no room for what correlations need: that is an error that is
// said, and what the other rules find is printed all the same.
func TestSpillDiskIsFull(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	writeFile(t, "rules.yml", testRules)
	out, err := os.Create("log.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(out)
	const n = 40_000
	long := strings.Repeat("a", 500) // more than memory holds of them
	for i := range n {
		fmt.Fprintln(w, event(i, i, "StopLogging", long))
	}
	if err := errors.Join(w.Flush(), out.Close()); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"jsonl", "table"} {
		cmd := exec.Command(bin, "scan", "--rules", "rules.yml", "--format", format, "log.jsonl")
		cmd.Env = append(childEnviron(), "TMPDIR="+filepath.Join(t.TempDir(), "nowhere"))
		var found, words bytes.Buffer
		cmd.Stdout, cmd.Stderr = &found, &words
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(words.String(), "correlations could not be judged: ") {
			t.Errorf("%s: %v, standard error: %s", format, err, words.String())
		}
		if got := strings.Count(found.String(), `"title":"Trail stopped"`); format == "jsonl" && got != n || !strings.Contains(found.String(), "Trail stopped") {
			t.Errorf("%s: %d findings", format, got)
		}
	}
}

// TestReaderGoesAway closes standard output after the first line: the scan ends soon,
// without a word and without an error.
func TestReaderGoesAway(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	var many []string
	for i := range 30_000 {
		many = append(many, strings.TrimSpace(goodLine(i)))
	}
	writeFile(t, "many.jsonl", many...)
	for _, args := range [][]string{
		{"scan", "-q", "--format", "jsonl"}, {"scan", "-q", "--format", "ocsf"}, {"scan", "-q", "--format", "sarif"},
		{"scan", "-q", "--format", "table", "--explain"}, {"decode", "-q"}, {"scan", "-q", "--format", "jsonl", "--workers", "1"},
	} {
		cmd := exec.Command(bin, append(args, "many.jsonl")...)
		cmd.Env = childEnviron()
		var words bytes.Buffer
		cmd.Stderr = &words
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || line == "" {
			t.Errorf("%v: the first line is %q, %v", args, line, err)
		}
		out.Close()
		if err := wait(t, cmd); err != nil || words.Len() > 0 {
			t.Errorf("%v: %v, standard error: %s", args, err, words.String())
		}
	}
}

// TestPipeAmongRules: a pipe in a folder of rules, which may have nobody to write into
// it, is named and not waited for.
func TestPipeAmongRules(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "rules.yml"), testRules)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yml"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := LoadRules(RuleOptions{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Rules) == 0 || len(got.Refusals) != 1 || !got.Refusals[0].Warning || filepath.Base(got.Refusals[0].File) != "pipe.yml" {
		t.Errorf("%d rules, %v", len(got.Rules), got.Refusals)
	}
}
