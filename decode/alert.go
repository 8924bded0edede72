package decode

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Alert is what a vendor's own finding says beyond the header of its record. Its texts were
// written by others.
type Alert struct {
	Family string // "guardduty": the short name of the format
	// Rule is the vendor's id of what was found: a type, a control, a rule's name.
	Rule  string
	Title string
	Text  string // the vendor's description, one or more sentences
	// Severity is by the table in docs/formats.md, Original the vendor's own word or number.
	Severity yagura.Severity
	Original string
	// Key is the vendor's own name of the thing: it stays the same when the alert is
	// updated, resolved and raised again.
	Key string
	// Scope is within what Key is unique: a format, or a product.
	Scope string
	// Posture says that a setting is wrong, rather than that something was done.
	Posture bool
	// Resolved says that the vendor holds it to be over, and State in which words.
	Resolved bool
	State    string
	Tags     []string // attack.…
}

// AlertFormats names the formats whose records are alerts.
func AlertFormats() []string {
	var list []string
	for _, f := range Formats() {
		if f.Alert != nil {
			list = append(list, f.Name)
		}
	}
	return list
}

// AlertPaths lists where alerts of a format name what was found: keys of objects with dots
// between them, those of the title last; nil for a format whose records are no alerts.
func AlertPaths(format string) []string {
	var list []string
	for _, f := range Formats() {
		if f.Name != format {
			continue
		}
		for _, i := range f.Says {
			for _, p := range f.Fields[i].Paths {
				keys := make([]string, len(p.Segs))
				for n, s := range p.Segs {
					keys[n] = s.Key
				}
				list = append(list, strings.Join(keys, "."))
			}
		}
	}
	return list
}

// severityWord reads a vendor's word for a level; 0 for a word that is none.
func severityWord(word []byte) yagura.Severity {
	switch {
	case isAny(word, "informational", "information", "info", "none", "debug", "unknown"):
		return yagura.SeverityNone
	case isAny(word, "low", "notice"):
		return yagura.SeverityLow
	case isAny(word, "medium", "moderate", "warning"):
		return yagura.SeverityMedium
	case isAny(word, "high", "error", "important"):
		return yagura.SeverityHigh
	case isAny(word, "critical", "fatal", "alert", "emergency"):
		return yagura.SeverityCritical
	}
	return 0
}

// decimal reads a number; ok is false for what is none.
func decimal(text []byte) (float64, bool) {
	if len(text) == 0 || len(text) > 32 {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil && f == f
}

// attackTag writes a technique or tactic of ATT&CK as rules write it, "" for another word:
// T1059.004, mitre_credential_access.
func attackTag(word []byte) string {
	if tactic, ok := bytes.CutPrefix(word, []byte("mitre_")); ok && len(tactic) > 0 && len(tactic) <= 40 {
		for _, c := range tactic {
			if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') {
				return ""
			}
		}
		return "attack." + string(bytes.ReplaceAll(bytes.ToLower(tactic), []byte("_"), []byte("-")))
	}
	if len(word) != 5 && len(word) != 9 || word[0] != 'T' {
		return ""
	}
	for i, c := range word[1:] {
		if (c == '.') != (i == 4) || c != '.' && (c < '0' || c > '9') {
			return ""
		}
	}
	return "attack.t" + string(word[1:])
}
