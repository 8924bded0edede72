package report

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
)

// sarif writes one SARIF 2.1.0 log: results as they come, then the rules they named.
// object is one JSON object.
type object map[string]any

type sarif struct {
	out   *bufio.Writer
	o     Options
	rules []object
	index map[string]int
	n     int
	err   error
}

func newSARIF(w io.Writer, o Options) *sarif {
	return &sarif{out: bufio.NewWriterSize(w, 64<<10), o: o, index: map[string]int{}}
}

const sarifHead = `{"version":"2.1.0","$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json","runs":[{"results":[`

// Write writes one result.
func (s *sarif) Write(it Item) error {
	f := it.Finding
	key := f.Rule.ID + "\x00" + f.Rule.File
	at, ok := s.index[key]
	if !ok {
		at = len(s.rules)
		s.index[key] = at
		s.rules = append(s.rules, s.rule(f))
	}
	level, rank := sarifLevel(f.Severity)
	r := object{"ruleId": f.Rule.ID, "ruleIndex": at, "level": level, "rank": rank,
		"message":             object{"text": cmp.Or(f.Output, f.Rule.Title, f.Rule.ID)},
		"locations":           []object{sarifPlace(it)},
		"partialFingerprints": object{"findingId/v1": f.ID, "causeKey/v1": f.CauseKey, "primaryLocationLineHash": lineHash(f.CauseKey)},
		"properties": object{"severity": f.Severity.String(), "kind": string(f.Kind), "format": f.Format, "events": list(f.Events),
			"account": f.Event.Account, "actor": f.Event.Actor.ID, "time": f.Time, "why": list(f.Why)}}
	if f.Mode != "" || f.Severity == yagura.SeverityNone {
		r["kind"] = "informational"
		r["level"] = "none" // the specification wants it so of all that is no failure
	}
	if s.n == 0 {
		s.write([]byte(sarifHead))
	} else {
		s.write([]byte(","))
	}
	s.n++
	s.encode(r)
	return s.err
}

// sarifPlace says where a finding is. GitHub's code scanning refuses a whole log for one
// result without a file and a line, so a window, which has no one place, is where its
// rule stands, and what is known of a record, its first byte in the unpacked file,
// stands beside line 1.
func sarifPlace(it Item) object {
	file := cmp.Or(it.File, it.Finding.Rule.File, "yagura")
	place := object{"artifactLocation": object{"uri": fileURI(file)}, "region": object{"startLine": 1}}
	if it.File != "" && it.Offset >= 0 {
		place["properties"] = object{"byteOffset": it.Offset}
	}
	return object{"physicalLocation": place}
}

// lineHash tells the results of one file and rule apart where GitHub looks for it: one
// alert there is one cause.
func lineHash(cause string) string {
	h := sha256.Sum256([]byte(cause))
	return hex.EncodeToString(h[:8]) + ":1"
}

func (s *sarif) rule(f *yagura.Finding) object {
	title := f.Rule.Title
	if s.o.Title != nil {
		title = s.o.Title(f.Rule)
	}
	level, _ := sarifLevel(f.Severity)
	var text RuleText
	if s.o.Rule != nil {
		text = s.o.Rule(f.Rule)
	}
	whole := object{"text": cmp.Or(text.Description, title, f.Rule.ID)}
	r := object{"id": f.Rule.ID, "name": cmp.Or(f.Rule.Title, f.Rule.ID), "shortDescription": object{"text": cmp.Or(title, f.Rule.ID)},
		"fullDescription": whole, "help": whole, "defaultConfiguration": object{"level": level},
		"properties": object{"tags": sarifTags(f.Rule.Tags), "security-severity": securitySeverity(f.Severity),
			"engine": string(f.Rule.Engine), "file": f.Rule.File}}
	if u, err := url.Parse(text.HelpURI); err == nil && u.IsAbs() {
		r["helpUri"] = text.HelpURI
	}
	return r
}

// sarifTags are the tags of a rule behind the one by which GitHub knows a rule about
// security. The specification wants each once; a rule may say one twice.
func sarifTags(tags []string) []string {
	out := []string{"security"}
	for _, t := range tags {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// securitySeverity is a score in the middle of what GitHub takes for the same level.
func securitySeverity(s yagura.Severity) string {
	return map[yagura.Severity]string{yagura.SeverityCritical: "9.5", yagura.SeverityHigh: "8.0", yagura.SeverityMedium: "5.5", yagura.SeverityLow: "2.0",
		yagura.SeverityNone: "0.0"}[s]
}

func sarifLevel(s yagura.Severity) (level string, rank float64) {
	switch s {
	case yagura.SeverityCritical:
		return "error", 100
	case yagura.SeverityHigh:
		return "error", 80
	case yagura.SeverityMedium:
		return "warning", 50
	case yagura.SeverityLow:
		return "note", 20
	}
	return "none", 0
}

// fileURI writes a path as a URI reference.
func fileURI(name string) string {
	if rest, ok := strings.CutPrefix(name, "s3://"); ok {
		bucket, key, _ := strings.Cut(rest, "/")
		return (&url.URL{Scheme: "s3", Host: bucket, Path: "/" + key}).String()
	}
	u := url.URL{Path: filepath.ToSlash(name)}
	if filepath.IsAbs(name) {
		u.Scheme = "file"
	}
	return u.String()
}

func (s *sarif) write(b []byte) {
	if s.err == nil {
		_, s.err = s.out.Write(b)
	}
}

func (s *sarif) encode(v any) {
	if s.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		s.err = err
		return
	}
	s.write(b)
}

// Flush sends the results so far.
func (s *sarif) Flush() error { return cmp.Or(s.err, s.out.Flush()) }

// Close writes the rules and ends the log.
func (s *sarif) Close() error {
	if s.n == 0 {
		s.write([]byte(sarifHead))
	}
	s.write([]byte(`],"columnKind":"unicodeCodePoints","tool":{"driver":`))
	s.encode(object{"name": "Yagura", "informationUri": "https://github.com/yagura-sec/yagura",
		"version": cmp.Or(s.o.Version, "unknown"), "rules": list(s.rules)})
	s.write([]byte("}}]}\n"))
	if s.err != nil {
		return s.err
	}
	return s.out.Flush()
}
