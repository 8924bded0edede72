package yagura

import "fmt"

// Severity is the team's judgement of a finding or an issue, in five levels.
// The zero value is not a severity: an empty value is refused everywhere.
type Severity uint8

// The five levels, lowest first, so that they compare with < and >=.
const (
	SeverityNone     Severity = iota + 1 // 対応不要: recorded, counted, visible, never pushed
	SeverityLow                          // 低
	SeverityMedium                       // 中
	SeverityHigh                         // 高
	SeverityCritical                     // 緊急
)

var severityNames = [...]string{"", "none", "low", "medium", "high", "critical"}
var severityJapanese = [...]string{"", "対応不要", "低", "中", "高", "緊急"}

// Severities lists the levels, highest first.
func Severities() []Severity {
	return []Severity{SeverityCritical, SeverityHigh, SeverityMedium, SeverityLow, SeverityNone}
}

// String returns the level's English name, or "" for the zero value.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return ""
}

// Japanese returns the level's Japanese name.
func (s Severity) Japanese() string {
	if int(s) < len(severityJapanese) {
		return severityJapanese[s]
	}
	return ""
}

// ParseSeverity reads one of the five English or Japanese names.
func ParseSeverity(name string) (Severity, error) {
	for i := 1; i < len(severityNames); i++ {
		if name == severityNames[i] || name == severityJapanese[i] {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("severity %q: want critical, high, medium, low or none", name)
}

// MarshalText writes the English name and refuses the zero value.
func (s Severity) MarshalText() ([]byte, error) {
	if s.String() == "" {
		return nil, fmt.Errorf("severity is empty")
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what [ParseSeverity] reads.
func (s *Severity) UnmarshalText(text []byte) error {
	v, err := ParseSeverity(string(text))
	if err != nil {
		return err
	}
	*s = v
	return nil
}
