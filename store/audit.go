package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/yagura-sec/yagura"
)

// AddAudit adds a line to the audit trail, in the transaction of what it tells of. Seq is given
// just before the commit, under a lock that holds until the commit is done: so lines are
// numbered in the order of commits and without gaps, on both dialects, and a transaction that
// fails leaves none. Zero At is the time of the transaction.
func (tx *Tx) AddAudit(_ context.Context, a *yagura.Audit) error {
	if !tx.write {
		return tx.fail(errReadOnly)
	}
	if a.What == "" || a.Outcome == "" {
		return errors.New("audit: want what was done, and its outcome")
	}
	line := *a
	if line.At.IsZero() {
		line.At = tx.now
	}
	line.At = line.At.UTC()
	tx.audit = append(tx.audit, line)
	return nil
}

// auditSum links a line to those before it.
func auditSum(before, body []byte) []byte {
	sum := sha256.Sum256(append(bytes.Clone(before), body...))
	return sum[:]
}

// flushAudit writes the lines of the transaction. It comes last of all, because from here on
// other transactions with lines wait.
func (tx *Tx) flushAudit(ctx context.Context) error {
	if len(tx.audit) == 0 {
		return nil
	}
	lines := tx.audit
	tx.audit = nil
	var seq int64
	var sum []byte
	_, err := tx.many(ctx, `INSERT INTO audit_head (name, seq, sum) SELECT name, 0, {empty} FROM d WHERE true
		ON CONFLICT (name) DO UPDATE SET seq = audit_head.seq RETURNING seq, sum`, []column{textColumn("name", []string{"trail"})},
		func(rows *sql.Rows) error { return rows.Scan(&seq, &sum) })
	if err != nil {
		return err
	}
	t := make([][]string, 4)
	var bodies, sums [][]byte
	v := numbers{names: []string{"seq", "at"}}
	for _, a := range lines {
		seq++
		a.Seq = seq
		body, err := json.Marshal(a)
		if err != nil {
			return tx.fail(fmt.Errorf("audit: %w", err))
		}
		sum = auditSum(sum, body)
		bodies, sums = append(bodies, body), append(sums, sum)
		for i, s := range auditTexts(a) {
			t[i] = append(t[i], s)
		}
		v.add(seq, ns(a.At))
	}
	cols := append(v.columns(), textColumn("who", t[0]), textColumn("what", t[1]), textColumn("target", t[2]), textColumn("outcome", t[3]),
		blobColumn("body", bodies), blobColumn("sum", sums))
	if _, err := tx.many(ctx, `INSERT INTO audit (seq, at, who, what, target, outcome, body, sum) SELECT seq, at, who, what, target, outcome, body, sum FROM d`, cols, nil); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE audit_head SET seq = ?, sum = ? WHERE name = 'trail'`, seq, sum)
	return err
}

// auditTexts are the columns that say again what the body of a line says.
func auditTexts(a yagura.Audit) [4]string {
	return [4]string{key(a.Who), key(a.What), key(a.On), key(a.Outcome)}
}

// AuditTrail returns lines of the trail in their order, those behind after.
func (tx *Tx) AuditTrail(ctx context.Context, after int64, limit int) (out []yagura.Audit, err error) {
	err = tx.each(ctx, `SELECT body FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`, []any{after, int64(bound(limit))}, func(rows *sql.Rows) error {
		var a yagura.Audit
		err := scanJSON(rows, &a)
		out = append(out, a)
		return err
	})
	return out, err
}

// AuditHead returns the number and the sum of the last line. Kept elsewhere, they prove later
// that the trail up to there is still what it was.
func (tx *Tx) AuditHead(ctx context.Context) (seq int64, sum string, err error) {
	var b []byte
	err = tx.one(ctx, `SELECT seq, sum FROM audit_head WHERE name = 'trail'`, nil, &seq, &b)
	if errors.Is(err, ErrNotFound) {
		return 0, "", nil
	}
	return seq, hex.EncodeToString(b), err
}

// ErrAuditBroken says that the audit trail is not as it was written.
var ErrAuditBroken = errors.New("the audit trail is not as it was written")

// VerifyAudit walks along the whole trail and returns how many lines it has. A line that was
// changed, taken out or put in gives [ErrAuditBroken] with its number; so does a trail that
// was cut off at its end. Whoever can write to the database can write the whole trail anew
// from some line on: that shows only beside a sum of [Tx.AuditHead] that was kept elsewhere.
func (tx *Tx) VerifyAudit(ctx context.Context) (lines int64, err error) {
	headSeq, headSum, err := tx.AuditHead(ctx)
	if err != nil {
		return 0, err
	}
	var sum []byte
	for {
		before := lines
		err := tx.each(ctx, `SELECT seq, at, who, what, target, outcome, body, sum FROM audit WHERE seq > ? ORDER BY seq LIMIT 1000`, []any{lines}, func(rows *sql.Rows) error {
			var seq, at int64
			var t [4]string
			var body, own []byte
			if err := rows.Scan(&seq, &at, &t[0], &t[1], &t[2], &t[3], &body, &own); err != nil {
				return err
			}
			if seq != lines+1 {
				return fmt.Errorf("line %d: %w: it is missing", lines+1, ErrAuditBroken)
			}
			sum = auditSum(sum, body)
			var a yagura.Audit
			if !bytes.Equal(sum, own) || json.Unmarshal(body, &a) != nil || a.Seq != seq || ns(a.At) != at || auditTexts(a) != t {
				return fmt.Errorf("line %d: %w", seq, ErrAuditBroken)
			}
			lines = seq
			return nil
		})
		if err != nil {
			return lines, err
		}
		if lines == before {
			break
		}
	}
	if lines != headSeq || lines > 0 && hex.EncodeToString(sum) != headSum {
		return lines, fmt.Errorf("line %d: %w: %d lines are there, %d were written", lines+1, ErrAuditBroken, lines, headSeq)
	}
	return lines, nil
}
