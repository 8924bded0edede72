package filter

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the lists in docs/filter.md")

// TestDocument holds docs/filter.md to the lists, and to what the queries in it say.
func TestDocument(t *testing.T) {
	const path, mark = "../docs/filter.md", "<!-- What follows is made from the lists: go test ./filter -run TestDocument -update -->\n"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(data), mark)
	want := head + mark + listsDocument()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(data) != want {
		t.Errorf("%s does not say what the lists are: run go test ./filter -run TestDocument -update", path)
	}

	read := 0
	for _, block := range strings.Split(head, "```query\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		if _, err := Parse(Issues, block); err != nil {
			t.Errorf("%s%v", block, err)
		}
		read++
	}
	_, block, _ := strings.Cut(head, "```fault\n")
	block, _, _ = strings.Cut(block, "\n```")
	text, faults, _ := strings.Cut(block, "\n")
	if _, err := Parse(Issues, text); err == nil || strings.ReplaceAll(err.Error(), "; 1:", "\n1:") != faults {
		t.Errorf("%s\n%v", text, err)
	}
	if read < 2 {
		t.Error("no queries are shown")
	}
	// What the tables show as code is read as a value of the kind that it stands beside.
	kinds := map[string]string{"text": "rule:", "word": "status:", "severity": "severity:", "number": "count:", "flag": "flapping:", "entity": "entity:", "address": "ip:"}
	for _, line := range strings.Split(head, "\n") {
		cells := strings.Split(line, " | ")
		if len(cells) < 2 {
			continue
		}
		list, field, codes := Issues, kinds[strings.TrimPrefix(cells[0], "| ")], cells[min(1, len(cells)-2)]
		switch {
		case strings.HasPrefix(cells[0], "| length"):
			list, field = Sources, "lag:"
		case strings.HasPrefix(cells[0], "| `"):
			field, codes = "seen:", cells[0]
		case field == "":
			continue
		}
		for i, code := range strings.Split(codes, "`") {
			if i%2 == 0 || code == ">=" || code == "<" || code == "<=" {
				continue
			}
			read++
			if _, err := Parse(list, field+code); err != nil {
				t.Errorf("%s%s: %v", field, code, err)
			}
		}
	}
	if read < 40 {
		t.Errorf("only %d examples were read", read)
	}
}

// listsDocument writes what the lists can be asked by.
func listsDocument() string {
	var b strings.Builder
	for _, l := range Lists() {
		fmt.Fprintf(&b, "\n## %s %s\n\n- Free text: %s. 検索語を探す先: %s。\n- Sorted by: %s.\n\n| field | 日本語 | also | kind | what it is | 説明 |\n|---|---|---|---|---|---|\n",
			l.Name, l.Japanese, l.Doc, l.DocJA, "`"+strings.Join(l.Sorts, "`, `")+"`")
		for i := range l.Fields {
			f := &l.Fields[i]
			kind := f.Kind.String()
			if f.Kind == Word {
				var words []string
				for _, w := range f.Words {
					words = append(words, strings.TrimSpace(w.Name+" "+w.Japanese))
				}
				kind += ": " + strings.Join(words, ", ")
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", f.Name, f.Japanese, strings.Join(f.Aliases, ", "), kind, f.Doc, f.DocJA)
		}
	}
	return b.String()
}
