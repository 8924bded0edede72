package app

import (
	"context"
	"errors"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/intake"
)

// refusingStore never takes the finding of one action, as a store does whose limits it breaks.
type refusingStore struct {
	intake.Store
	action string
}

func (r refusingStore) Update(ctx context.Context, fn func(ctx context.Context, tx intake.Tx) error) error {
	return r.Store.Update(ctx, func(ctx context.Context, tx intake.Tx) error { return fn(ctx, refusingTx{tx, r.action}) })
}

type refusingTx struct {
	intake.Tx
	action string
}

func (r refusingTx) PutFindings(ctx context.Context, rows []yagura.Filed) ([]yagura.FiledState, error) {
	for i := range rows {
		if rows[i].Finding.Event.Action == r.action {
			return nil, errors.New("value too long")
		}
	}
	return r.Tx.PutFindings(ctx, rows)
}

// TestRefusedFinding: a finding that the store never takes is kept as a dead letter, is said,
// and holds up neither its neighbours nor what comes after it.
func TestRefusedFinding(t *testing.T) {
	s := newStand(t)
	s.alter = func(serve *Serve) {
		o := serve.intakeOptions(serve.receivers, 0)
		o.Store = refusingStore{o.Store, "StopLogging"}
		serve.in = intake.New(o)
	}
	s.start()
	s.post(trail("2026-03-02T12:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`),
		trail("2026-03-02T12:01:00Z", "ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", ingress("0.0.0.0/0")))
	s.post(trail("2026-03-02T12:02:00Z", "iam.amazonaws.com", "CreateUser", `{"userName":"eve"}`))
	s.issue("Remote administration port opened to the internet")
	s.issue("IAM user created")
	if is := s.issue(intake.RefusedRule.Title); is.Severity != yagura.SeverityHigh || is.Count != 1 {
		t.Errorf("%+v", is)
	}
	if l := s.ledger(); l.DeadAll != 1 {
		t.Errorf("%d dead letters, want 1", l.DeadAll)
	}
}
