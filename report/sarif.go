package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/yagura-sec/yagura"
)

// sarif writes one SARIF 2.1.0 log: results as they come, then the rules they named.
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
		"partialFingerprints": object{"findingId/v1": f.ID, "causeKey/v1": f.CauseKey},
		"properties": object{"severity": f.Severity.String(), "kind": string(f.Kind), "format": f.Format, "events": list(f.Events),
			"account": f.Event.Account, "actor": f.Event.Actor.ID, "time": f.Time, "why": list(f.Why)}}
	if it.File != "" { // a window of many events has no one place
		place := object{"artifactLocation": object{"uri": fileURI(it.File)}}
		if it.Offset >= 0 {
			place["region"] = object{"byteOffset": it.Offset}
		}
		r["locations"] = []object{{"physicalLocation": place}}
	}
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

func (s *sarif) rule(f *yagura.Finding) object {
	title := f.Rule.Title
	if s.o.Title != nil {
		title = s.o.Title(f.Rule)
	}
	level, _ := sarifLevel(f.Severity)
	r := object{"id": f.Rule.ID, "name": cmp.Or(f.Rule.Title, f.Rule.ID), "shortDescription": object{"text": cmp.Or(title, f.Rule.ID)},
		"defaultConfiguration": object{"level": level},
		"properties":           object{"tags": list(f.Rule.Tags), "engine": string(f.Rule.Engine), "file": f.Rule.File}}
	if s.o.Rule != nil {
		text := s.o.Rule(f.Rule)
		if text.Description != "" {
			r["fullDescription"] = object{"text": text.Description}
		}
		if u, err := url.Parse(text.HelpURI); err == nil && u.IsAbs() {
			r["helpUri"] = text.HelpURI
		}
	}
	return r
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
