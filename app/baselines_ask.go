package app

import (
	"bytes"
	"context"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/triage"
	"github.com/yagura-sec/yagura/usual"
)

// asking asks room usual about findings.
type asking struct {
	// decoder reads the records of findings again: what a finding does not carry, such as the
	// program that called, is in them.
	decoder func() (*decode.Decoder, error)
	asker   usual.Asker
}

// Questions lists what can be asked about a finding. It is asked of the events before the
// full hour of the finding's event, and so does not hang on when the lake was written last.
func (a asking) Questions(c *triage.Found) []yagura.Usual {
	detail, known := a.detail(c)
	var out []yagura.Usual
	for _, q := range usual.Of(&c.Finding, detail) {
		if q.Of == usual.API && !known {
			continue // the same action of another service is another API
		}
		if q.Of == usual.Hour {
			q.Value = q.Before.UTC().Truncate(15 * time.Minute).Format(time.RFC3339) // the same hour wherever it is, and one question
		}
		out = append(out, yagura.Usual{Of: string(q.Of), Entity: q.Entity, Value: q.Value, Before: q.Before.UTC().Truncate(time.Hour)})
	}
	if len(out) > 0 && !known {
		for _, of := range []usual.Dimension{usual.Agent, usual.API} {
			out = append(out, yagura.Usual{Of: string(of), Unknown: "the finding has no one record at hand"})
		}
	}
	return out
}

// detail reads the record of a finding, if it has one.
func (a asking) detail(c *triage.Found) (detail yagura.Detail, known bool) {
	if len(c.Event) == 0 {
		return detail, false
	}
	d, err := a.decoder()
	if err != nil {
		return detail, false
	}
	in := d.NewReader(bytes.NewReader(c.Event), "")
	defer in.Close()
	rec, err := in.Next()
	if err != nil || rec.Format.Name != c.Finding.Format {
		return detail, false
	}
	ev := rec.Event()
	return ev.Detail, true
}

// Answer asks.
func (a asking) Answer(ctx context.Context, questions []yagura.Usual) ([]yagura.Usual, error) {
	list := make([]usual.Question, len(questions))
	for i := range questions {
		q := &questions[i]
		list[i] = usual.Question{Entity: q.Entity, Of: usual.Dimension(q.Of), Value: q.Value, Before: q.Before}
	}
	answers, err := a.asker.Ask(ctx, list)
	if err != nil {
		return nil, err
	}
	out := make([]yagura.Usual, len(answers))
	for i := range answers {
		if i < len(questions) {
			out[i] = usualOf(&questions[i], &answers[i])
		}
	}
	return out, nil
}

// usualOf is an answer as findings carry it.
func usualOf(q *yagura.Usual, a *usual.Answer) yagura.Usual {
	u := yagura.Usual{Of: q.Of, Entity: q.Entity, Value: a.Value, Before: q.Before}
	if u.Value != q.Value {
		u.Asked = q.Value
	}
	if a.Unknown {
		u.Unknown = a.Words("en")
		return u
	}
	u.First, u.Rare, u.Learning, u.Count, u.Total, u.Days, u.KnownDays = a.First, a.Rare, a.Learning, a.Count, a.Total, a.Days, a.KnownDays
	u.Since, u.Last, u.Peers, u.PeersWith, u.Text = a.Since, a.Last, a.Peers, a.PeersWith, a.Words("en")
	return u
}

// UsualWords says what a test of a policy gives of usual as the lake's answer would be said.
func UsualWords(u *yagura.Usual) string {
	a := usual.Answer{Question: usual.Question{Entity: u.Entity, Of: usual.Dimension(u.Of), Value: u.Value, Before: u.Before}, First: u.First, Rare: u.Rare, Learning: u.Learning,
		Count: u.Count, Total: u.Total, Days: u.Days, KnownDays: u.KnownDays, Since: u.Since, Last: u.Last, Peers: u.Peers, PeersWith: u.PeersWith}
	return a.Words("en")
}
