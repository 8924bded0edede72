package triage

import (
	"context"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
)

// The bounds of looks at the cloud.
const (
	// goodApart is how far apart at least the two good looks are that end an issue: what the
	// first did not see yet, because services answer from copies, the second does.
	goodApart = 5 * time.Minute
	// lookSkew is how much our clock may be ahead of the cloud's; it takes no request whose
	// time is further off.
	lookSkew = 5 * time.Minute
)

// Look is what is known of an issue from asking the cloud about it. It is kept between
// looks.
type Look struct {
	Episode int       `json:"episode"`
	At      time.Time `json:"at,omitzero"` // when the last look began
	// Good is what the last good looks said, one after another, since Since: "" that it is
	// still so.
	Good  yagura.CloseReason `json:"good,omitempty"`
	Since time.Time          `json:"since,omitzero"`
	// Failures counts the looks without an answer since the last one with one.
	Failures int    `json:"failures,omitempty"`
	Error    string `json:"error,omitempty"`
}

// Looked is one answer of the cloud about an issue.
type Looked struct {
	IssueID string
	Episode int       // that was open when the look began
	Began   time.Time // by our clock
	// Good is "" when it is still so, else [yagura.ClosedFixed] or [yagura.ClosedGone].
	Good yagura.CloseReason
	Text string // what was asked and answered
}

// Look takes an answer about an open posture. Two good answers that say the same, one after
// another and some minutes apart, end the issue: what happened before the first of them is
// undone, what happens later opens it again. A flapping issue is held as after
// counter-events. goes is false when there is nothing to look at any more.
//
// A look without an answer never comes here: it neither counts nor undoes a good one.
func (d *Desk) Look(ctx context.Context, b Book, was Look, l Looked) (now Look, goes bool, err error) {
	is, ok, err := b.Issue(ctx, l.IssueID, yagura.LockChange)
	if err != nil {
		return was, true, err
	}
	if !ok || is.Kind != yagura.Posture || is.Status == yagura.StatusClosed {
		return was, false, nil
	}
	now = Look{Episode: is.Episode, At: l.Began, Good: l.Good}
	if is.Episode != l.Episode {
		return Look{Episode: is.Episode, At: l.Began}, true, nil // it was about what is over
	}
	t := &turn{now: d.Now(), newID: d.NewID, who: "yagura", is: is}
	if l.Good == "" {
		if is.Fixed.IsZero() || !l.Began.After(is.Fixed) {
			return now, true, nil
		}
		is.Fixed, t.changed = time.Time{}, true // a counter-event of a flapping issue had said otherwise
		t.settle()
		return now, true, write(ctx, b, []*turn{t})
	}
	now.Since = l.Began
	if was.Episode == is.Episode && was.Good == l.Good && !was.Since.IsZero() && !is.LastSeen.After(was.Since) {
		now.Since = was.Since
	}
	if l.Began.Sub(now.Since) < goodApart {
		return now, true, nil
	}
	episodes, err := b.Episodes(ctx, is.ID)
	if err != nil {
		return was, true, err
	}
	t.looked(l, now.Since, recentEpisodes(episodes, t.now))
	t.settle()
	return now, is.Status != yagura.StatusClosed, write(ctx, b, []*turn{t})
}

// looked ends the issue by two good looks, or holds it when it flaps.
func (t *turn) looked(l Looked, since time.Time, recent int) {
	is := t.is
	fixed := since.Add(-lookSkew)
	if fixed.Before(is.LastSeen) {
		fixed = is.LastSeen
	}
	if fixed.After(is.Fixed) {
		is.Fixed, t.changed = fixed, true
	}
	why := fmt.Sprintf("asked again at %s and %s: %s", since.UTC().Format(time.RFC3339), l.Began.UTC().Format(time.RFC3339), l.Text)
	if recent > flapEpisodes {
		t.flap(recent, why)
		return
	}
	t.close(l.Good, "yagura", why)
}

// flap holds an issue open that opens again and again.
func (t *turn) flap(recent int, why string) {
	if t.is.Flapping {
		return
	}
	t.is.Flapping, t.changed = true, true
	text := fmt.Sprintf("opened %d times within %d hours: held open until it stays fixed for %d hours", recent, int(flapWithin.Hours()), int(settleFlap.Hours()))
	if why != "" {
		text += " (" + why + ")"
	}
	t.entry(yagura.EntryFlapping, text)
	t.tell(yagura.OpUpdate, nil)
}

// recentEpisodes counts the episodes that began within [flapWithin].
func recentEpisodes(episodes []yagura.Episode, now time.Time) (n int) {
	for _, e := range episodes {
		if now.Sub(e.Opened) <= flapWithin {
			n++
		}
	}
	return n
}
