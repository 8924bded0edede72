package notify

import (
	"testing"

	"github.com/yagura-sec/yagura"
)

// TestEntryText: what Yagura wrote on a timeline is said in Japanese, what others wrote stays.
func TestEntryText(t *testing.T) {
	for _, c := range []struct {
		what     yagura.EntryKind
		text     string
		japanese string
	}{
		{yagura.EntryOverdue, "not acknowledged within 15m", "15m 以内に対応が開始されていません"},
		{yagura.EntryClosed, "closed by hand", "手動で完了"},
		{yagura.EntryClosed, "the trail is on again", "the trail is on again"},
		{yagura.EntryNote, "closed by hand", "closed by hand"},
		{yagura.EntryLabels, "+ nobody", "+ nobody"},
		{yagura.EntrySeverity, "severity medium → high: the person concerned says that it was not them", "重大度 中 → 高: 本人の操作ではないとの回答"},
		{yagura.EntrySeverity, "severity high → critical: prod: a reason", "重大度 高 → 緊急: prod: a reason"},
		{yagura.EntrySuppressed, "until 2026-12-01T00:00:00Z: known work\nof ours", "2026-12-01T00:00:00Z まで抑止: known work\nof ours"},
		{yagura.EntrySuppressed, "suppressed until 2026-12-01T00:00:00Z: CHG-12", "2026-12-01T00:00:00Z まで抑止: CHG-12"},
		{yagura.EntryConcluded, "benign", "問題なし"},
		{yagura.EntryAnswer, "yes, this was me", "はい、私です"},
	} {
		e := &yagura.Entry{What: c.what, Text: c.text}
		if got := EntryText(e, Japanese); got != c.japanese {
			t.Errorf("%s %q: %q, want %q", c.what, c.text, got, c.japanese)
		}
		want := c.text
		if c.what == yagura.EntryConcluded {
			want = "benign"
		}
		if got := EntryText(e, English); got != want {
			t.Errorf("%q became %q", c.text, got)
		}
	}
}
