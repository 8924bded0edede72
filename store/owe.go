package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/yagura-sec/yagura"
)

// The numbers of notice states in columns.
const (
	stateWaiting   = 0
	stateDelivered = 1
	stateDead      = 2
)

var noticeStates = [...]yagura.NoticeState{yagura.NoticeWaiting, yagura.NoticeDelivered, yagura.NoticeDead}

// lane is the queue of one sink and issue. Whoever adds to it or takes from it holds its
// row, so the order is one; the first of it that waits is its head, and only heads are
// handed out.
type lane struct {
	sink, issue string // as columns hold them
	lastSeq     int64
	waiting     int64
	lastUpdate  string // id of the last notice, when that is an update
	notices     []*yagura.Notice
	folded      [][2]*yagura.Notice // an update, and the one that took its place
}

// Owe puts notices into the outbox in the order in which they are given, and fills in
// their Seq: from 1 per sink and issue; 1 for a notice of no issue. An update right behind
// an update that waits and was never tried takes its place: it gets that one's ID and Seq,
// and is counted as folded.
func (tx *Tx) Owe(ctx context.Context, notices []yagura.Notice) error {
	byLane := map[[2]string]*lane{}
	var lanes []*lane
	var rows []noticeRow
	for i := range notices {
		n := &notices[i]
		if n.ID == "" || n.Sink == "" || n.Op == "" {
			return fmt.Errorf("notice %d of the batch: want an id, a sink and an op", i)
		}
		if n.IssueID == "" {
			n.Seq = 1
			rows = append(rows, noticeRow{n: n, head: true})
			continue
		}
		k := [2]string{key(n.Sink), key(n.IssueID)}
		l := byLane[k]
		if l == nil {
			l = &lane{sink: k[0], issue: k[1]}
			byLane[k] = l
			lanes = append(lanes, l)
		}
		l.notices = append(l.notices, n)
	}
	slices.SortFunc(lanes, func(a, b *lane) int { return cmp.Or(cmp.Compare(a.sink, b.sink), cmp.Compare(a.issue, b.issue)) })
	if err := tx.holdLanes(ctx, lanes, byLane); err != nil {
		return err
	}
	for _, l := range lanes {
		tx.foldGiven(l)
	}
	if err := tx.foldWaiting(ctx, lanes); err != nil {
		return err
	}
	var ids []string
	v := numbers{names: []string{"last_seq", "waiting"}}
	var sinks, issues []string
	for _, l := range lanes {
		for _, n := range l.notices {
			l.lastSeq++
			n.Seq = l.lastSeq
			rows = append(rows, noticeRow{n: n, head: l.waiting == 0})
			l.waiting++
			if l.lastUpdate = ""; n.Op == yagura.OpUpdate {
				l.lastUpdate = key(n.ID)
			}
		}
		ids, sinks, issues = append(ids, l.lastUpdate), append(sinks, l.sink), append(issues, l.issue)
		v.add(l.lastSeq, l.waiting)
	}
	if err := tx.insertNotices(ctx, rows); err != nil {
		return err
	}
	_, err := tx.many(ctx, `UPDATE lane SET last_seq = d.last_seq, waiting = d.waiting, last_update = d.last_update
		FROM d WHERE lane.sink = d.sink AND lane.issue_id = d.issue_id`,
		append([]column{textColumn("sink", sinks), textColumn("issue_id", issues), textColumn("last_update", ids)}, v.columns()...), nil)
	for _, l := range lanes {
		for _, v := range slices.Backward(l.folded) {
			v[0].ID, v[0].Seq = v[1].ID, v[1].Seq
		}
	}
	return err
}

// holdLanes locks lanes, in order, and reads them.
func (tx *Tx) holdLanes(ctx context.Context, lanes []*lane, byLane map[[2]string]*lane) error {
	var sinks, issues []string
	for _, l := range lanes {
		sinks, issues = append(sinks, l.sink), append(issues, l.issue)
	}
	_, err := tx.many(ctx, `INSERT INTO lane (sink, issue_id, last_seq, waiting, last_update) SELECT sink, issue_id, 0, 0, '' FROM d WHERE true
		ON CONFLICT (sink, issue_id) DO UPDATE SET last_seq = lane.last_seq RETURNING sink, issue_id, last_seq, waiting, last_update`,
		[]column{textColumn("sink", sinks), textColumn("issue_id", issues)}, func(rows *sql.Rows) error {
			var k [2]string
			var l lane
			if err := rows.Scan(&k[0], &k[1], &l.lastSeq, &l.waiting, &l.lastUpdate); err != nil {
				return err
			}
			have := byLane[k]
			have.lastSeq, have.waiting, have.lastUpdate = l.lastSeq, l.waiting, l.lastUpdate
			return nil
		})
	return err
}

// foldGiven folds updates of one lane that are given one behind the other.
func (tx *Tx) foldGiven(l *lane) {
	out := l.notices[:0:0]
	for i, n := range l.notices {
		if n.Op == yagura.OpUpdate && i+1 < len(l.notices) && l.notices[i+1].Op == yagura.OpUpdate {
			tx.sinkChange(n.Sink).folded++
			l.folded = append(l.folded, [2]*yagura.Notice{n, l.notices[i+1]})
			continue
		}
		out = append(out, n)
	}
	l.notices = out
}

// foldWaiting folds the first given update of a lane into the last notice that waits
// there, where that is an update that nobody began to deliver.
func (tx *Tx) foldWaiting(ctx context.Context, lanes []*lane) error {
	may := map[string]*lane{}
	var ids []string
	var bodies [][]byte
	var seqs []int64
	for _, l := range lanes {
		if n := l.notices[0]; n.Op == yagura.OpUpdate && l.lastUpdate != "" {
			as := *n
			as.ID, as.Seq = unclean(l.lastUpdate), l.lastSeq
			body, err := json.Marshal(&as)
			if err != nil {
				return tx.fail(fmt.Errorf("notice %q: %w", cut(n.ID, 64), err))
			}
			may[l.lastUpdate] = l
			ids, bodies, seqs = append(ids, l.lastUpdate), append(bodies, body), append(seqs, l.lastSeq)
		}
	}
	_, err := tx.many(ctx, `UPDATE notice SET body = d.body FROM d
		WHERE notice.id = d.i AND notice.state = 0 AND notice.attempts = 0 AND notice.unsure = 0 AND notice.op = 'update' AND notice.seq = d.s RETURNING id`,
		[]column{textColumn("i", ids), blobColumn("body", bodies), intColumn("s", seqs)}, func(rows *sql.Rows) error {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			l := may[id]
			n := l.notices[0]
			n.ID, n.Seq = unclean(id), l.lastSeq
			l.notices = l.notices[1:]
			tx.sinkChange(n.Sink).folded++
			return nil
		})
	return err
}

type noticeRow struct {
	n    *yagura.Notice
	head bool
}

func (tx *Tx) insertNotices(ctx context.Context, list []noticeRow) error {
	var ids, sinks, issues, ops []string
	var bodies [][]byte
	v := numbers{names: []string{"seq", "head", "created", "due"}}
	for _, r := range list {
		body, err := json.Marshal(r.n)
		if err != nil {
			return tx.fail(fmt.Errorf("notice %q: %w", cut(r.n.ID, 64), err))
		}
		ids, sinks, issues, ops = append(ids, key(r.n.ID)), append(sinks, key(r.n.Sink)), append(issues, key(r.n.IssueID)), append(ops, key(string(r.n.Op)))
		bodies = append(bodies, body)
		created := r.n.Created
		if created.IsZero() {
			created = tx.now
		}
		v.add(r.n.Seq, flag(r.head), ns(created), ns(tx.now))
		tx.sinkChange(r.n.Sink).owed++
	}
	_, err := tx.many(ctx, `INSERT INTO notice (id, sink, issue_id, seq, op, state, head, created, due, owner, attempts, unsure, first_tried, done, last_error, detail, body)
		SELECT id, sink, issue_id, seq, op, 0, head, created, due, '', 0, 0, 0, 0, '', '', body FROM d`,
		append([]column{textColumn("id", ids), textColumn("sink", sinks), textColumn("issue_id", issues), textColumn("op", ops), blobColumn("body", bodies)}, v.columns()...), nil)
	return err
}
