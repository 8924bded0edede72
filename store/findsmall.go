package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// The small lists are read in the order of their ids and asked in the words of package filter
// itself. One look reads at most mostLooked rows: a filter that holds for few goes on from there
// by its cursor. An order other than that of ids is made among as many rows, the newest.
const (
	mostLooked = 20000
	lookedPage = 500
)

// lister says how a list is read.
type lister[T any] struct {
	list *filter.List
	// by is the order in which rows are read, of its key and that of no other.
	by string
	// next reads rows in that order behind an id ("" for the beginning).
	next func(ctx context.Context, after string, down bool, limit int) ([]T, error)
	id   func(*T) string
	row  func(*T) filter.Row
	// key is what rows are sorted by: a text, a number or a time.
	key func(*T, string) any
}

type smallCursor struct {
	Sort string `json:"s"`
	Key  string `json:"k,omitempty"`
	ID   string `json:"i"`
}

func (c smallCursor) String() string {
	b, _ := json.Marshal(c) // strings
	return base64.RawURLEncoding.EncodeToString(b)
}

// sortKey writes a key so that it compares as text.
func sortKey(v any) string {
	switch v := v.(type) {
	case time.Time:
		return fmt.Sprintf("%020d", uint64(ns(v))^1<<63)
	case int64:
		return fmt.Sprintf("%020d", uint64(v)^1<<63)
	case string:
		return filter.Fold(v)
	}
	return ""
}

// find returns a page of the list.
func (l *lister[T]) find(ctx context.Context, q *filter.Query, sort, after string, limit int, now time.Time) (out []T, next string, err error) {
	order, err := l.list.Sort(sort)
	if err != nil {
		return nil, "", err
	}
	if q, err = l.resolved(q, now); err != nil {
		return nil, "", err
	}
	var from smallCursor
	if after != "" {
		b, err := base64.RawURLEncoding.DecodeString(after)
		if err != nil || json.Unmarshal(b, &from) != nil || from.Sort != order.String() {
			return nil, "", fmt.Errorf("cursor %q: it is not one that was given out for this order", cut(after, 64))
		}
	}
	limit = bound(limit)
	if order.Key == l.by {
		last := from.ID
		for looked := 0; ; {
			rows, err := l.next(ctx, last, order.Down, lookedPage)
			if err != nil {
				return nil, "", err
			}
			for i := range rows {
				last = l.id(&rows[i])
				if q == nil || q.Match(l.row(&rows[i])) {
					out = append(out, rows[i])
				}
				if len(out) == limit {
					return out, smallCursor{Sort: order.String(), ID: last}.String(), nil
				}
			}
			if looked += len(rows); len(rows) < lookedPage {
				return out, "", nil
			} else if looked >= mostLooked {
				return out, smallCursor{Sort: order.String(), ID: last}.String(), nil
			}
		}
	}
	type keyed struct {
		key, id string
		row     T
	}
	var all []keyed
	if _, err := l.each(ctx, q, func(x *T) { all = append(all, keyed{sortKey(l.key(x, order.Key)), l.id(x), *x}) }); err != nil {
		return nil, "", err
	}
	compare := func(a, b keyed) int {
		c := cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.id, b.id))
		if order.Down {
			return -c
		}
		return c
	}
	slices.SortFunc(all, compare)
	for _, k := range all {
		if after != "" && compare(k, keyed{key: from.Key, id: from.ID}) <= 0 {
			continue
		}
		if len(out) == limit {
			return out, next, nil
		}
		out = append(out, k.row)
		next = smallCursor{Sort: order.String(), Key: k.key, ID: k.id}.String()
	}
	return out, "", nil
}

func (l *lister[T]) resolved(q *filter.Query, now time.Time) (*filter.Query, error) {
	switch {
	case q == nil:
		return nil, nil
	case q.List != nil && q.List != l.list:
		return nil, fmt.Errorf("a query of %s asks for %s", q.List.Name, l.list.Name)
	case q.Now.IsZero():
		return q.At(now, time.UTC), nil
	}
	return q, nil
}

// each calls yield with the rows that answer, the newest first, and says whether it saw all.
func (l *lister[T]) each(ctx context.Context, q *filter.Query, yield func(*T)) (whole bool, err error) {
	last := ""
	for looked := 0; looked < mostLooked; {
		rows, err := l.next(ctx, last, true, lookedPage)
		if err != nil {
			return false, err
		}
		for i := range rows {
			last = l.id(&rows[i])
			if q == nil || q.Match(l.row(&rows[i])) {
				yield(&rows[i])
			}
		}
		if looked += len(rows); len(rows) < lookedPage {
			return true, nil
		}
	}
	return false, nil
}

// count counts the rows that answer, among as many as are looked at.
func (l *lister[T]) count(ctx context.Context, q *filter.Query, most int64, now time.Time) (n int64, exact bool, err error) {
	if q, err = l.resolved(q, now); err != nil {
		return 0, false, err
	}
	exact, err = l.each(ctx, q, func(*T) { n++ })
	return min(n, most), exact && n <= most, err
}

// byID returns the end of a statement that reads rows by their ids behind one.
func byID(column, after string, down bool) (string, []any) {
	switch {
	case down && after == "":
		return " ORDER BY " + column + " DESC LIMIT ?", nil
	case down:
		return " AND " + column + " < ? ORDER BY " + column + " DESC LIMIT ?", []any{after}
	}
	return " AND " + column + " > ? ORDER BY " + column + " LIMIT ?", []any{after}
}

func cells(list ...string) (out []any) {
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

func roleCells(bindings []yagura.Binding) (out []any) {
	for _, b := range bindings {
		out = append(out, string(b.Role))
	}
	return out
}

func (tx *Tx) userList() *lister[yagura.User] {
	return &lister[yagura.User]{list: filter.Users, id: func(u *yagura.User) string { return u.ID },
		next: func(ctx context.Context, after string, down bool, limit int) ([]yagura.User, error) {
			end, args := byID("id", key(after), down)
			return tx.users(ctx, `true`+end, append(args, int64(limit))...)
		},
		row: func(u *yagura.User) filter.Row {
			return func(field string) []any {
				switch field {
				case "":
					return cells(u.ID, u.Name, u.Display, u.Email)
				case "id":
					return cells(u.ID)
				case "name":
					return cells(u.Name)
				case "display":
					return cells(u.Display)
				case "email":
					return cells(u.Email)
				case "role":
					return roleCells(u.Bindings)
				case "group":
					return cells(u.Groups...)
				case "via":
					return cells(u.Via)
				case "disabled":
					return []any{u.Disabled}
				case "totp":
					return []any{u.TOTP}
				case "signed_in":
					return []any{u.SignedIn}
				case "created":
					return []any{u.Created}
				}
				return nil
			}
		},
		key: func(u *yagura.User, by string) any {
			switch by {
			case "signed_in":
				return u.SignedIn
			case "created":
				return u.Created
			case "via":
				return u.Via
			}
			return u.Name
		}}
}

// FindUsers returns users as a query says, in an order of [filter.Users].
func (tx *Tx) FindUsers(ctx context.Context, q *filter.Query, sort, after string, limit int) ([]yagura.User, string, error) {
	return tx.userList().find(ctx, q, sort, after, limit, tx.now)
}

func (tx *Tx) tokenList(now time.Time) *lister[yagura.Token] {
	return &lister[yagura.Token]{list: filter.Tokens, id: func(t *yagura.Token) string { return t.ID },
		next: func(ctx context.Context, after string, down bool, limit int) (out []yagura.Token, err error) {
			end, args := byID("id", key(after), down)
			err = tx.each(ctx, `SELECT body FROM token WHERE true`+end, append(args, int64(limit)), func(rows *sql.Rows) error {
				var t yagura.Token
				err := scanJSON(rows, &t)
				out = append(out, t)
				return err
			})
			return out, err
		},
		row: func(t *yagura.Token) filter.Row {
			return func(field string) []any {
				switch field {
				case "", "name":
					return cells(t.Name)
				case "id":
					return cells(t.ID)
				case "role":
					return roleCells(t.Bindings)
				case "state":
					switch {
					case !t.Revoked.IsZero():
						return cells("revoked")
					case !t.Expires.IsZero() && !t.Expires.After(now):
						return cells("expired")
					}
					return cells("active")
				case "bound":
					return []any{t.Certificate != ""}
				case "by":
					return whoCells(t.CreatedBy)
				case "created":
					return []any{t.Created}
				case "expires":
					return []any{t.Expires}
				case "used":
					return []any{t.Used}
				}
				return nil
			}
		},
		key: func(t *yagura.Token, by string) any {
			switch by {
			case "used":
				return t.Used
			case "expires":
				return t.Expires
			case "created":
				return t.Created
			}
			return t.Name
		}}
}

// whoCells are the names of somebody: "user:mary@example.com", and without its kind.
func whoCells(who string) []any {
	if _, name, ok := strings.Cut(who, ":"); ok {
		return cells(who, name)
	}
	return cells(who)
}

// FindTokens returns tokens as a query says, in an order of [filter.Tokens].
func (tx *Tx) FindTokens(ctx context.Context, q *filter.Query, sort, after string, limit int) ([]yagura.Token, string, error) {
	now := tx.now
	if q != nil {
		now = tx.when(q)
	}
	return tx.tokenList(now).find(ctx, q, sort, after, limit, tx.now)
}

// FindViews returns the views that a user may use as a query says, in an order of
// [filter.Views].
func (tx *Tx) FindViews(ctx context.Context, userID string, q *filter.Query, sort, after string, limit int) ([]yagura.View, string, error) {
	l := &lister[yagura.View]{list: filter.Views, id: func(v *yagura.View) string { return v.ID },
		next: func(ctx context.Context, after string, down bool, limit int) ([]yagura.View, error) {
			end, args := byID("id", key(after), down)
			return tx.views(ctx, `(owner = ? OR shared = 1)`+end, append(append([]any{key(userID)}, args...), int64(limit))...)
		},
		row: func(v *yagura.View) filter.Row {
			return func(field string) []any {
				switch field {
				case "":
					return cells(v.Name, v.Query)
				case "id":
					return cells(v.ID)
				case "name":
					return cells(v.Name)
				case "list":
					return cells(v.List)
				case "owner":
					return cells(v.Owner)
				case "shared":
					return []any{v.Shared}
				case "created":
					return []any{v.Created}
				case "updated":
					return []any{v.Updated}
				}
				return nil
			}
		},
		key: func(v *yagura.View, by string) any {
			switch by {
			case "updated":
				return v.Updated
			case "list":
				return v.List
			case "owner":
				return v.Owner
			}
			return v.Name
		}}
	return l.find(ctx, q, sort, after, limit, tx.now)
}

func (tx *Tx) auditList() *lister[yagura.Audit] {
	return &lister[yagura.Audit]{list: filter.AuditTrail, by: "at", id: func(a *yagura.Audit) string { return fmt.Sprint(a.Seq) },
		next: func(ctx context.Context, after string, down bool, limit int) (out []yagura.Audit, err error) {
			seq := int64(0)
			q := `SELECT body FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`
			if down {
				seq, q = 1<<63-1, `SELECT body FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?`
			}
			if after != "" {
				if _, err := fmt.Sscan(after, &seq); err != nil {
					return nil, fmt.Errorf("cursor: %w", err)
				}
			}
			err = tx.each(ctx, q, []any{seq, int64(limit)}, func(rows *sql.Rows) error {
				var a yagura.Audit
				err := scanJSON(rows, &a)
				out = append(out, a)
				return err
			})
			return out, err
		},
		row: func(a *yagura.Audit) filter.Row {
			return func(field string) []any {
				switch field {
				case "":
					return cells(a.Who, a.What, a.On, a.Detail)
				case "who":
					return whoCells(a.Who)
				case "what":
					return cells(a.What)
				case "on":
					return cells(a.On)
				case "outcome":
					return cells(a.Outcome)
				case "from":
					return cells(a.From)
				case "at":
					return []any{a.At}
				case "request":
					return cells(a.Request)
				case "detail":
					return cells(a.Detail)
				}
				return nil
			}
		}}
}

// FindAudit returns lines of the audit trail as a query says, in an order of
// [filter.AuditTrail].
func (tx *Tx) FindAudit(ctx context.Context, q *filter.Query, sort, after string, limit int) ([]yagura.Audit, string, error) {
	return tx.auditList().find(ctx, q, sort, after, limit, tx.now)
}

// CountAudit counts lines of the audit trail, among the newest.
func (tx *Tx) CountAudit(ctx context.Context, q *filter.Query, most int64) (int64, bool, error) {
	return tx.auditList().count(ctx, q, most, tx.now)
}

func (tx *Tx) noticeList(scopes []yagura.Scope, all bool) *lister[yagura.Owed] {
	within := reach(scopes, all, "f.account", "f.format")
	from := `notice`
	if !all { // a notice of no issue is of no account
		from += ` JOIN issue_fact f ON f.issue_id = notice.issue_id`
	}
	columns := "notice." + strings.ReplaceAll(owedColumns, ", ", ", notice.")
	return &lister[yagura.Owed]{list: filter.Notices, by: "created", id: func(o *yagura.Owed) string { return o.Notice.ID },
		next: func(ctx context.Context, after string, down bool, limit int) (out []yagura.Owed, err error) {
			end, args := byID("notice.id", key(after), down)
			err = tx.each(ctx, `SELECT `+columns+` FROM `+from+` WHERE `+within.sql+end, slices.Concat(within.args, args, []any{int64(limit)}), func(rows *sql.Rows) error {
				o, err := scanOwed(rows)
				out = append(out, o)
				return err
			})
			return out, err
		},
		row: func(o *yagura.Owed) filter.Row {
			n := &o.Notice
			return func(field string) []any {
				switch field {
				case "":
					return cells(n.ID, n.IssueID, n.Sink, o.LastError)
				case "id":
					return cells(n.ID)
				case "sink":
					return cells(n.Sink)
				case "issue":
					return cells(n.IssueID)
				case "state":
					return cells(string(o.State))
				case "op":
					return cells(string(n.Op))
				case "created":
					return []any{n.Created}
				case "done":
					return []any{o.Done}
				case "attempts":
					return []any{o.Attempts}
				case "error":
					return cells(o.LastError)
				}
				return nil
			}
		},
		key: func(o *yagura.Owed, by string) any {
			if by == "done" {
				return o.Done
			}
			return int64(o.Attempts)
		}}
}

// FindNotices returns notices as a query says, within scopes of their issues, in an order of
// [filter.Notices].
func (tx *Tx) FindNotices(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query, sort, after string, limit int) ([]yagura.Owed, string, error) {
	return tx.noticeList(scopes, all).find(ctx, q, sort, after, limit, tx.now)
}

// CountNotices counts notices, among the newest.
func (tx *Tx) CountNotices(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query, most int64) (int64, bool, error) {
	return tx.noticeList(scopes, all).count(ctx, q, most, tx.now)
}

func (tx *Tx) deadList(scopes []yagura.Scope, all bool) *lister[yagura.DeadLetter] {
	return &lister[yagura.DeadLetter]{list: filter.DeadLetters, by: "at", id: func(d *yagura.DeadLetter) string { return d.ID },
		next: func(ctx context.Context, after string, down bool, limit int) ([]yagura.DeadLetter, error) {
			if !all && !slices.ContainsFunc(scopes, func(s yagura.Scope) bool { return len(s.Tenants)+len(s.Accounts) == 0 }) {
				return nil, nil // a record that could not be read is of no account
			}
			end, args := byID("id", key(after), down)
			return tx.deadLetters(ctx, `SELECT body, substr(record, 1, 4096), retried FROM dead_letter WHERE true`+end, append(args, int64(limit))...)
		},
		row: func(d *yagura.DeadLetter) filter.Row {
			return func(field string) []any {
				switch field {
				case "":
					return cells(d.ID, d.Object, d.Reason, string(d.Bytes))
				case "id":
					return cells(d.ID)
				case "source":
					return cells(d.Source)
				case "format":
					return cells(d.Format)
				case "object":
					return cells(d.Object)
				case "reason":
					return cells(d.Reason)
				case "at":
					return []any{d.At}
				case "retried":
					return []any{!d.Retried.IsZero()}
				case "size":
					return []any{d.Size}
				}
				return nil
			}
		},
		key: func(d *yagura.DeadLetter, by string) any {
			if by == "size" {
				return d.Size
			}
			return d.Source
		}}
}

// FindDeadLetters returns dead letters as a query says, in an order of [filter.DeadLetters].
// Scopes count by format: a record that could not be read is of no account. Of the record there
// is the beginning, in which free text is looked for; [Tx.DeadLetter] has all of it.
func (tx *Tx) FindDeadLetters(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query, sort, after string, limit int) ([]yagura.DeadLetter, string, error) {
	l := tx.deadList(scopes, all)
	if !all {
		next := l.next
		l.next = func(ctx context.Context, after string, down bool, limit int) (out []yagura.DeadLetter, err error) {
			// Pages stay full, so that their end tells the end of the list.
			for len(out) < limit {
				rows, err := next(ctx, after, down, limit)
				if err != nil || len(rows) == 0 {
					return out, err
				}
				after = rows[len(rows)-1].ID
				for _, d := range rows {
					if slices.ContainsFunc(scopes, func(s yagura.Scope) bool {
						return len(s.Tenants)+len(s.Accounts) == 0 && s.Holds("", "", d.Format)
					}) {
						out = append(out, d)
					}
				}
				if len(rows) < limit {
					break
				}
			}
			return out[:min(len(out), limit)], nil
		}
	}
	return l.find(ctx, q, sort, after, limit, tx.now)
}
