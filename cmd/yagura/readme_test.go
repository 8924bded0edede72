package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// TestReadme runs the commands of the README that scan the bundled logs. Every line that
// it shows comes in that order; where it leaves lines out it says so by an ellipsis.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range strings.Split(string(data), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "\n```")
		command, shown, _ := strings.Cut(block, "\n")
		args, ok := strings.CutPrefix(command, "$ bin/yagura scan ")
		if !ok || !strings.HasSuffix(args, " demo/logs") && args != "demo/logs" || shown == "" {
			continue
		}
		ran++
		var out bytes.Buffer
		code := run(context.Background(), &environment{args: append([]string{"scan"}, strings.Fields(args)...), environ: []string{"LANG=C"},
			stdin: strings.NewReader(""), stdout: &out, stderr: &out, now: time.Now})
		if code != 0 {
			t.Fatalf("%s: exit code %d\n%s", command, code, &out)
		}
		rest := untimed(strings.Split(out.String(), "\n"))
		skip := false
		for _, line := range untimed(strings.Split(shown, "\n")) {
			if line == "…" {
				skip = true
				continue
			}
			for skip && len(rest) > 0 && rest[0] != line {
				rest = rest[1:]
			}
			if len(rest) == 0 || rest[0] != line {
				t.Fatalf("%s does not print in this place:\n%s\n\n%s", command, line, strings.Join(rest, "\n"))
			}
			rest, skip = rest[1:], false
		}
	}
	if ran < 3 {
		t.Errorf("%d blocks of the README were run, want 3 or more", ran)
	}
}

// untimed drops from the lines of a summary how long the run took, and white space that
// nobody sees.
func untimed(lines []string) []string {
	var out []string
	for _, line := range lines {
		if before, _, ok := strings.Cut(line, " events in "); ok {
			line = before
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	return out
}
