package github

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// What we write begins with a line of hidden markers. Only that first line is read, and
// only in what one of our accounts wrote, so a text within cannot forge one, and a cut at
// the end cannot lose it.

func itoa(n int) string { return strconv.Itoa(n) }

// marks are what a first line says.
type marks struct {
	issue     string // of an issue
	refiled   int
	notice    string // that made the thing
	status    string // of the status comment: the issue
	duplicate string // of an issue that was closed as a double
}

func issueMarks(issue, notice string, refiled int) string {
	s := "<!-- yagura:issue=" + issue + " v=1"
	if refiled > 0 {
		s += " refiled=" + itoa(refiled)
	}
	return s + " --><!-- yagura:notice=" + notice + " -->"
}

func noticeMark(notice string) string { return "<!-- yagura:notice=" + notice + " -->" }
func statusMark(issue string) string  { return "<!-- yagura:status=" + issue + " v=1 -->" }

// readMarks reads the first line of what one of us wrote.
func readMarks(body string) marks {
	line, _, _ := strings.Cut(body, "\n")
	var m marks
	for {
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \r"), "<!-- yagura:")
		if !ok {
			return m
		}
		var text string
		if text, line, ok = strings.Cut(rest, "-->"); !ok {
			return m
		}
		for k, word := range strings.Fields(text) {
			name, value, _ := strings.Cut(word, "=")
			if !plainID(value) {
				continue
			}
			switch {
			case k == 0 && name == "issue":
				m.issue = value
			case k == 0 && name == "notice":
				m.notice = value
			case k == 0 && name == "status":
				m.status = value
			case k == 0 && name == "duplicate":
				m.duplicate = value
			case name == "refiled":
				m.refiled, _ = strconv.Atoi(value)
			}
		}
	}
}

// Own reads the marker in the body of an issue or comment that comes back through a source:
// the issue of ours, and the notice that made the text; either may be "". Anybody can write
// the same line, so whoever drops own records has to look whether there is such a notice.
func Own(body string) (issue, notice string) {
	m := readMarks(body[:min(len(body), 1024)])
	return m.issue + m.status, m.notice
}

// plainID says whether a value can stand in a marker: our ids are letters and digits.
func plainID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// wish is what Yagura last wanted of a ticket. It stands in the last line of the status
// comment and is written before the ticket is changed.
type wish struct {
	Seq      int64       `json:"seq"` // of the notice
	Open     bool        `json:"open"`
	Title    string      `json:"title,omitempty"` // as we set it
	Labels   []string    `json:"labels,omitempty"`
	Assignee string      `json:"assignee,omitempty"` // login
	Drop     []string    `json:"drop,omitempty"`     // labels that were ours and are to go
	Leave    []string    `json:"leave,omitempty"`    // assignees likewise
	Entries  []wishEntry `json:"entries,omitempty"`
	// Turned is when Open became what it is, by our clock; 0 is not known.
	Turned int64 `json:"turned,omitempty"`
}

// wishEntry is one line of the timeline that the status comment shows.
type wishEntry struct {
	Seq  int64  `json:"s"`
	Text string `json:"t"`
}

// maxEntries is how many of the newest entries the status comment shows.
const maxEntries = 20

// maxWish is the most bytes of a wish that are written or read.
const maxWish = 24 << 10

const wishMark = "<!-- yagura:state "

// line writes the wish as a hidden line: base64, in which no comment can end.
func (w wish) line() string {
	for {
		data, err := json.Marshal(w)
		if err == nil && (len(data) <= maxWish || len(w.Entries) == 0) {
			return wishMark + base64.RawURLEncoding.EncodeToString(data) + " -->"
		}
		if err != nil {
			return wishMark + "-->"
		}
		w.Entries = w.Entries[1:]
	}
}

// readWish reads the last line of a status comment; ok is false when it tells nothing.
func readWish(body string) (w wish, ok bool) {
	body = strings.TrimRight(body, " \r\n")
	line := body[strings.LastIndexByte(body, '\n')+1:]
	text, found := strings.CutPrefix(line, wishMark)
	if !found || len(text) > 2*maxWish {
		return wish{}, false
	}
	text, found = strings.CutSuffix(text, " -->")
	data, err := base64.RawURLEncoding.DecodeString(text)
	if !found || err != nil || json.Unmarshal(data, &w) != nil {
		return wish{}, false
	}
	w.Entries = w.Entries[:min(len(w.Entries), maxEntries)]
	return w, true
}

// add puts an entry at the end, once.
func (w *wish) add(seq int64, text string) {
	for _, e := range w.Entries {
		if e.Seq == seq {
			return
		}
	}
	w.Entries = append(w.Entries, wishEntry{seq, text})
	if over := len(w.Entries) - maxEntries; over > 0 {
		w.Entries = append([]wishEntry(nil), w.Entries[over:]...)
	}
}
