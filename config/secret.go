package config

import "log/slog"

// Secret is text that must not be shown: however it is printed, logged or marshalled,
// it reads ***. Reveal gives the text to the one place that needs it.
type Secret string

const masked = "***"

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// String returns ***, or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString returns what String does.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns what String does.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns what String does.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
