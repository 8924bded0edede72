package triage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// maxOwnLabel, maxOwnLabels and maxNote bound what people hang on an issue.
const (
	maxOwnLabel  = 100
	maxOwnLabels = 100
	maxNote      = 16 << 10
)

// Refusal is why a change of a person cannot be made, however often it is tried: it says so
// to them, and nothing changed.
type Refusal struct{ Text, Japanese string }

// Error returns the reason.
func (r *Refusal) Error() string { return r.Text }

// change applies what a person did. The sink where it was done is not told of it again
// for a comment, a label or an assignee, which it shows already; it is told of what
// changes the state, so that its ticket ends as the issue is. An error is a
// [Refusal], and changes nothing.
func (t *turn) change(c yagura.Change) error {
	is := t.is
	t.who = c.Who
	if len(c.Text) > maxNote {
		c.Text = strings.ToValidUTF8(c.Text[:maxNote], "") + "…"
	}
	switch c.What {
	case yagura.ChangeAck:
		if is.Status != yagura.StatusOpen {
			return nil
		}
		is.Status, is.Acked, t.changed = yagura.StatusAcknowledged, t.now, true
		if is.Assignee == "" && c.To != "" {
			is.Assignee = c.To
		}
		t.entry(yagura.EntryAcked, c.Text)
		t.episode = &yagura.Episode{IssueID: is.ID, N: is.Episode, Opened: is.Opened, Acked: t.now}
		t.tellAlways(yagura.OpAck)
	case yagura.ChangeClose:
		if is.Status == yagura.StatusClosed {
			t.conclude(c.Verdict)
			return nil
		}
		t.conclude(c.Verdict)
		t.close(yagura.ClosedByHuman, c.Who, orWord(c.Text, "closed by hand"))
	case yagura.ChangeReopen:
		if is.Status != yagura.StatusClosed {
			return nil
		}
		t.begin(is.Episode + 1)
		t.entry(yagura.EntryReopened, orWord(c.Text, "re-opened by hand"))
		if t.muted() {
			is.SuppressedUntil, is.SuppressReason = time.Time{}, ""
		}
		t.tell(yagura.OpReopen, nil)
	case yagura.ChangeAssign:
		if is.Assignee == c.To {
			return nil
		}
		is.Assignee, t.changed = c.To, true
		t.entry(yagura.EntryAssigned, orWord(c.To, "nobody"))
		t.echo(yagura.OpUpdate, c.Via)
	case yagura.ChangeLabel:
		var added []string
		for _, l := range c.Labels {
			if l = strings.TrimSpace(l); l == "" || len(l) > maxOwnLabel || slices.Contains(is.Labels, l) {
				continue
			}
			if len(is.Labels) >= maxOwnLabels {
				return &Refusal{fmt.Sprintf("an issue has at most %d labels", maxOwnLabels), fmt.Sprintf("課題のラベルは %d 個までです", maxOwnLabels)}
			}
			is.Labels, added = append(is.Labels, l), append(added, l)
		}
		if added == nil {
			return nil
		}
		t.changed = true
		t.entry(yagura.EntryLabels, "+ "+strings.Join(added, ", "))
		t.echo(yagura.OpUpdate, c.Via)
	case yagura.ChangeUnlabel:
		n := len(is.Labels)
		is.Labels = slices.DeleteFunc(slices.Clone(is.Labels), func(l string) bool { return slices.Contains(c.Labels, l) })
		if len(is.Labels) == n {
			return nil
		}
		t.changed = true
		t.entry(yagura.EntryLabels, "− "+strings.Join(c.Labels, ", "))
		t.echo(yagura.OpUpdate, c.Via)
	case yagura.ChangeComment:
		if strings.TrimSpace(c.Text) == "" {
			return &Refusal{"the note is empty", "メモが空です"}
		}
		t.changed = true
		e := *t.entry(yagura.EntryNote, c.Text)
		t.owe(owed{op: yagura.OpComment, sinks: without(is.Told, c.Via), entry: &e})
	case yagura.ChangeConclude:
		t.conclude(c.Verdict)
		if t.changed {
			t.echo(yagura.OpUpdate, c.Via)
		}
	case yagura.ChangeSuppress:
		return t.suppress(c)
	case yagura.ChangeAnswer:
		t.answer(c)
	default:
		return &Refusal{fmt.Sprintf("unknown change %q", c.What), fmt.Sprintf("不明な変更 %q です", c.What)}
	}
	return nil
}

func orWord(text, or string) string {
	if text == "" {
		return or
	}
	return text
}

func without(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == one })
}

// echo owes op to the sinks that know the issue, except the one where it was done.
func (t *turn) echo(op yagura.Op, via string) {
	t.owe(owed{op: op, sinks: without(t.is.Told, via)})
}

func (t *turn) conclude(c yagura.Conclusion) {
	if c == yagura.ConcludedNothing || t.is.Conclusion == c {
		return
	}
	t.is.Conclusion, t.changed = c, true
	t.entry(yagura.EntryConcluded, string(c))
}

// maxSuppress bounds how long a person can silence an issue.
const maxSuppress = 366 * 24 * time.Hour

func (t *turn) suppress(c yagura.Change) error {
	until := c.Until.UTC().Format(time.RFC3339)
	switch {
	case !c.Until.After(t.now):
		return &Refusal{"suppress until " + until + ": that is past", "抑止の期限 " + until + " は過去です"}
	case c.Until.Sub(t.now) > maxSuppress:
		return &Refusal{"suppress until " + until + ": at most a year", "抑止の期限 " + until + " は 1 年以内にしてください"}
	case strings.TrimSpace(c.Text) == "":
		return &Refusal{"suppress: say why", "抑止の理由を入力してください"}
	}
	t.is.SuppressedUntil, t.is.SuppressReason, t.changed = c.Until, c.Text, true
	t.entry(yagura.EntrySuppressed, fmt.Sprintf("until %s: %s", c.Until.UTC().Format(time.RFC3339), c.Text))
	t.owe(owed{op: yagura.OpUpdate, sinks: t.is.Told})
	return nil
}

// answer takes what the person concerned said to "was this you?". A yes is a note, by
// which the policy may lower what is low or medium; a no raises to high.
func (t *turn) answer(c yagura.Change) {
	t.changed = true
	if c.Yes {
		t.entry(yagura.EntryAnswer, orWord(c.Text, "yes, this was me"))
		t.addLabel(confirmed)
		t.owe(owed{op: yagura.OpUpdate, sinks: t.is.Told})
		return
	}
	t.entry(yagura.EntryAnswer, orWord(c.Text, "no, this was not me"))
	t.addLabel("answered:no")
	if t.is.Status == yagura.StatusClosed {
		t.begin(t.is.Episode + 1)
		t.entry(yagura.EntryReopened, "the person concerned says that it was not them")
		t.is.Severity = max(t.is.Severity, yagura.SeverityHigh)
		t.tell(yagura.OpReopen, nil)
		return
	}
	if t.is.Severity < yagura.SeverityHigh {
		t.rise(yagura.SeverityHigh, "the person concerned says that it was not them", nil)
		return
	}
	t.tell(yagura.OpUpdate, nil)
}

func (t *turn) addLabel(l string) {
	if !slices.Contains(t.is.Labels, l) && len(t.is.Labels) < maxOwnLabels {
		t.is.Labels = append(t.is.Labels, l)
	}
}
