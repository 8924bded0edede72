package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// Touch calls every method of a transaction at least once, on a database that Fill
// filled, so that the plans of all their statements can be looked at.
func Touch(ctx context.Context, tx *store.Tx) error {
	x := Issue("touched")
	y := *x
	y.Version = 2
	var notices []yagura.Notice
	steps := []func() error{
		func() error { _, err := tx.Deliveries(ctx, "s", []string{"o"}); return err },
		func() error {
			return tx.PutDeliveries(ctx, []yagura.Delivery{{Source: "s", Object: "plain", Judged: 2}, {Source: "s", Object: "new"}})
		},
		func() error { _, err := tx.WaitingDeliveries(ctx, "s", "", 1); return err },
		func() error { _, err := tx.SourceTotals(ctx); return err },
		func() error {
			_, err := tx.PutFindings(ctx, []yagura.Filed{Filed("f00001", "other"), Filed("new", "i")})
			return err
		},
		func() error {
			grown := Filed("f00002", "i")
			grown.Finding.Events = append(grown.Finding.Events, "more")
			_, err := tx.PutFindings(ctx, []yagura.Filed{grown})
			return err
		},
		func() error { _, _, err := tx.Findings(ctx, "i", "", 1); return err },
		func() error { _, err := tx.Finding(ctx, "f00001"); return err },
		func() error { _, _, err := tx.FindingsBetween(ctx, at(0), at(1), "", 1); return err },
		func() error { _, err := tx.AddWindowRows(ctx, []yagura.WindowRow{row("g", "9", "")}); return err },
		func() error {
			return tx.ReplaceOrigin(ctx, corr, []string{"f"}, []yagura.WindowRow{{Corr: corr, Group: []byte("g"), Sort: []byte("o"), Origin: "f"}})
		},
		func() error { return tx.ReplaceOrigin(ctx, corr, []string{"f"}, nil) },
		func() error {
			list, err := tx.LeaseWindowGroups(ctx, "w", at(5000), at(6000), 1)
			if err != nil || len(list) == 0 {
				return errors.Join(err, errors.New("no group to lease"))
			}
			return tx.SettleWindowGroup(ctx, list[0], "w", []byte("9"), time.Time{})
		},
		func() error {
			return tx.WindowRows(ctx, corr, []byte("g"), nil, func(yagura.WindowRow) error { return nil })
		},
		func() error { return tx.DropWindowRows(ctx, corr, []byte("g"), []byte("1")) },
		func() error { _, err := tx.PruneWindowGroups(ctx, at(0), 1); return err },
		func() error { return tx.PutIssues(ctx, []*yagura.Issue{x}) },
		func() error { return tx.PutIssue(ctx, &y) },
		func() error { _, err := tx.IssuesByCause(ctx, []string{"touched"}, store.Change); return err },
		func() error { _, err := tx.Issue(ctx, x.ID, store.Share); return err },
		func() error { return tx.PutAlias(ctx, "old", x.ID) },
		func() error { return tx.PutAlias(ctx, "old", x.ID) },
		func() error { return tx.AddCounts(ctx, []yagura.Count{{IssueID: x.ID, Findings: 1}}) },
		func() error { _, err := tx.FoldCounts(ctx, 10); return err },
		func() error { _, err := tx.SimilarIssues(ctx, "rule", 1); return err },
		func() error { _, err := tx.IssuesUnder(ctx, "x", 1); return err },
		func() error { return tx.PutEpisode(ctx, yagura.Episode{IssueID: x.ID, N: 1}) },
		func() error { _, err := tx.Episodes(ctx, x.ID); return err },
		func() error { return tx.AddEntries(ctx, []yagura.Entry{{IssueID: x.ID}}) },
		func() error { _, err := tx.Entries(ctx, x.ID, 0, 1); return err },
		func() error {
			return tx.Owe(ctx, []yagura.Notice{Notice("s", x, yagura.OpOpen, ""), Notice("s", x, yagura.OpUpdate, ""), Notice("s", nil, yagura.OpTest, "")})
		},
		func() error { return tx.Owe(ctx, []yagura.Notice{Notice("s", x, yagura.OpUpdate, "")}) },
		func() (err error) {
			notices, err = tx.LeaseNotices(ctx, "s", "w", at(1e9), at(2e9), 10)
			if err == nil && len(notices) != 2 {
				err = errors.New("want two notices to lease")
			}
			return err
		},
		func() error { return tx.RetryNotice(ctx, notices[0].ID, "w", at(0), "", true) },
		func() (err error) { notices, err = tx.LeaseNotices(ctx, "s", "w", at(1e9), at(2e9), 10); return err },
		func() error { return tx.KillNotice(ctx, notices[0].ID, "w", "", at(0)) },
		func() error { return tx.ReviveNotice(ctx, notices[0].ID) },
		func() error { _, err := tx.MovingNotices(ctx, at(0), 10); return err },
		func() error { _, err := tx.Owed(ctx, notices[0].ID); return err },
		func() (err error) { notices, err = tx.LeaseNotices(ctx, "s", "w", at(1e9), at(2e9), 10); return err },
		func() error { return tx.SettleNotice(ctx, notices[0].ID, "w", yagura.Receipt{Ref: "1"}, at(0)) },
		func() error { _, _, err := tx.NextNotice(ctx, "s"); return err },
		func() error {
			for _, by := range [][2]string{{"", ""}, {"s", ""}, {"", "i"}, {"s", "i"}} {
				if _, _, err := tx.Notices(ctx, by[0], by[1], nil, "", 1); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { _, err := tx.SinkTotals(ctx); return err },
		func() error { return tx.PutTicket(ctx, yagura.TicketRef{IssueID: x.ID, Sink: "s", Ref: "2"}) },
		func() error { _, err := tx.IssueByTicket(ctx, "s", "2"); return err },
		func() error { _, err := tx.LiveTickets(ctx, "s", Clock(0)(), "", 1); return err },
		func() error { _, err := tx.TicketsOf(ctx, x.ID); return err },
		func() error { _, err := tx.SeenChange(ctx, "s", "1", at(0)); return err },
		func() error { _, err := tx.PrunePushed(ctx, at(0), 1); return err },
		func() error {
			if ok, err := tx.ClaimRecheck(ctx, x.ID, at(5), at(9)); err != nil || !ok {
				return errors.Join(err, errors.New("want a look to take"))
			}
			if ok, err := tx.ClaimRecheck(ctx, x.ID, at(8), at(12)); err != nil || ok {
				return errors.Join(err, errors.New("a look was taken twice"))
			}
			if err := tx.PutRecheck(ctx, x.ID, at(7), []byte{1}); err != nil {
				return err
			}
			body, err := tx.Recheck(ctx, x.ID)
			all := map[string]time.Time{}
			last, errAll := tx.Rechecks(ctx, "", 1, all) // one at a time
			for errAll == nil && last != "" {
				last, errAll = tx.Rechecks(ctx, last, 1, all)
			}
			if err != nil || errAll != nil || len(body) != 1 || last != "" || !all[x.ID].Equal(at(7)) {
				return errors.Join(err, errAll, fmt.Errorf("want what was noted of a look: %q %q %v", body, last, all))
			}
			return tx.DropRechecks(ctx, []string{x.ID})
		},
		func() error { return tx.PutDead(ctx, []yagura.DeadLetter{{ID: "d2"}}) },
		func() error { _, err := tx.DeadLetters(ctx, true, "", 1); return err },
		func() error { _, err := tx.DeadLetters(ctx, false, "", 1); return err },
		func() error { return tx.MarkRetried(ctx, "d2", at(0)) },
		func() error { _, _, err := tx.DeadTotals(ctx); return err },
		func() error { _, err := tx.PruneKept(ctx, "f1", 10); return err },
		func() error { return tx.PutKept(ctx, []yagura.KeptRange{{Source: "s", Object: "o"}}) },
		func() error { _, err := tx.Kept(ctx, "s", "o"); return err },
		func() error { return tx.PutState(ctx, "k", []byte("w")) },
		func() error { _, _, err := tx.State(ctx, "k"); return err },
		func() error { return tx.PutState(ctx, "k", nil) },
		func() error { return tx.AppendReceived(ctx, "push", [][]byte{{1}}, at(0)) },
		func() error {
			list, err := tx.LeaseReceived(ctx, "push", "w", at(1), at(2), 10)
			if err != nil || len(list) == 0 {
				return errors.Join(err, errors.New("nothing received to lease"))
			}
			if err := tx.ExtendReceived(ctx, []int64{list[0].ID}, "w", at(3)); err != nil {
				return err
			}
			if err := tx.ReleaseReceived(ctx, list[0].ID, at(3)); err != nil {
				return err
			}
			return tx.AckReceived(ctx, []int64{list[0].ID})
		},
		func() error { _, _, err := tx.LagReceived(ctx, "push"); return err },
		func() error { return tx.Reclaim(ctx, "w") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
