package app

import "testing"

// TestCellsOfCSV holds what somebody wrote into a log to be neither a formula of a
// sheet nor an order to a terminal.
func TestCellsOfCSV(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain, text": "plain, text", "日本語": "日本語", "two\nlines\r\n\tand a tab": "two\nlines\r\n\tand a tab",
		"=1+1": "'=1+1", "-1": "'-1", "@x": "'@x", "\t=1": "'\t=1",
		"\x1b[31mred\x1b[0m": `\x1b[31mred\x1b[0m`, "=\x1b]0;title\a": `'=\x1b]0;title\x07`, "a\u202eb\nc\x9b2J": "a\\u202eb\nc\\x9b2J", "\u009b2J": `\x9b2J`,
	} {
		if got := safeCell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
