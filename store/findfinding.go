package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// What one question may cost: blocks that are opened. A list that reaches the bound gives what
// it has, and a cursor from which it goes on.
const (
	mostOpened = 80
)

// spot is a place in a list of findings: of one value of the order (severity, rule, account; ""
// where it has none) the time and the id.
type spot struct {
	Sort  string `json:"s"`
	Value string `json:"v,omitempty"`
	At    int64  `json:"t"`
	ID    string `json:"i"`
}

func (s spot) cursor() string {
	b, _ := json.Marshal(s) // strings and numbers
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseSpot(text, sort string) (*spot, error) {
	if text == "" {
		return nil, nil
	}
	var s spot
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &s) != nil || s.Sort != sort {
		return nil, fmt.Errorf("cursor %q: %w for this order", cut(text, 64), ErrCursor)
	}
	return &s, nil
}

// candidate is a row of a block that may answer.
type candidate struct {
	at    int64
	id    string
	block int64 // 0: it waits to be in one
}

// finder looks for findings.
type finder struct {
	tx     *Tx
	ask    *asker
	order  filter.Order
	byTime bool // the order, or what is below its value, is event time and not the time of the judgement
	tail   *block
	tailOf map[string]bool // ids that wait and are in a block too
	words  map[[2]int64][]byte
	masks  map[int64]uint64
	opened int
	facts  map[string]accountFacts
	list   []blockRow // all blocks, where they are walked along more than once
}

func (tx *Tx) finder(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query) (*finder, error) {
	if q != nil && q.List != nil && q.List.Name != "findings" {
		return nil, fmt.Errorf("a query of %s asks for findings", q.List.Name)
	}
	if q != nil {
		for _, t := range q.Terms {
			if t.Field == nil {
				continue
			}
			switch t.Field.Name {
			case "severity", "time", "seen", "suppressed", "retro":
			default:
				if blockOf[t.Field.Name] == nil {
					return nil, fmt.Errorf("findings cannot be asked by %s", t.Field.Name)
				}
			}
			if t.Field.Kind == filter.Time && q.Now.IsZero() {
				q = q.At(tx.now, tx.now.Location())
			}
		}
	}
	f := &finder{tx: tx, ask: newAsker(q, scopes, all), words: map[[2]int64][]byte{}, masks: map[int64]uint64{}, tailOf: map[string]bool{}, facts: map[string]accountFacts{}}
	return f, f.readTail(ctx)
}

// tailCache remembers what waiting findings made, by their numbers: these are given once, and a
// finding that changes gets another. It is of transactions that only read, as numbers of one
// that is taken back may be given again.
type tailCache struct {
	mu   sync.Mutex
	rows map[int64]*waiting
}

// mostRemembered bounds the findings that are remembered; there are more only where blocks are
// not made.
const mostRemembered = 8 * blockRows

// tailFindings returns the findings that wait, each as its last number has it.
func (tx *Tx) tailFindings(ctx context.Context) ([]*waiting, error) {
	if tx.write {
		list, err := tx.waitingFindings(ctx, 1<<30)
		out := make([]*waiting, len(list))
		for i := range list {
			out[i] = &list[i]
		}
		return out, err
	}
	c := &tx.db.tail
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*waiting
	var seqs []int64
	err := tx.each(ctx, `SELECT seq FROM finding_new ORDER BY seq`, nil, func(rows *sql.Rows) error {
		var seq int64
		err := rows.Scan(&seq)
		seqs = append(seqs, seq)
		return err
	})
	if err != nil {
		return nil, err
	}
	known := c.rows
	c.rows = make(map[int64]*waiting, len(seqs))
	var missing []int64
	for _, seq := range seqs {
		if w := known[seq]; w == nil {
			missing = append(missing, seq)
		} else if len(c.rows) < mostRemembered {
			c.rows[seq] = w
		}
	}
	fresh := map[int64]*waiting{}
	_, err = tx.many(ctx, `SELECT `+waitingColumns+` FROM finding_new w JOIN finding f ON f.id = w.id WHERE w.seq IN (SELECT s FROM d)`, []column{intColumn("s", missing)}, func(rows *sql.Rows) error {
		w, err := scanWaiting(rows)
		fresh[w.seq] = &w
		if len(c.rows) < mostRemembered {
			c.rows[w.seq] = &w
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, seq := range seqs {
		if w := cmp.Or(known[seq], fresh[seq]); w != nil {
			out = append(out, w)
		}
	}
	return out, nil
}

// readTail makes a block of what is in none.
func (f *finder) readTail(ctx context.Context) error {
	list, err := f.tx.tailFindings(ctx)
	if err != nil {
		return err
	}
	var accounts []string
	newest := make(map[string]*waiting, len(list))
	for _, w := range list {
		accounts = append(accounts, w.f.Finding.Event.Account)
		newest[w.id] = w
		if w.again {
			f.tailOf[w.f.Finding.ID] = true
		}
	}
	if f.facts, err = f.tx.factsOf(ctx, accounts); err != nil {
		return err
	}
	var m blockMaker
	for _, w := range list {
		if newest[w.id] == w && !w.gone {
			m.add(&w.f, f.facts[w.f.Finding.Event.Account])
		}
	}
	f.tail = &m.block
	return nil
}

// shelfRow returns a slice of a shelf.
func (f *finder) shelfRow(ctx context.Context, shelf, slice int64) ([]byte, error) {
	k := [2]int64{shelf, slice}
	if row, ok := f.words[k]; ok {
		return row, nil
	}
	var row []byte
	err := f.tx.one(ctx, `SELECT bits FROM finding_shelf WHERE shelf = ? AND slice = ?`, []any{shelf, slice}, &row)
	if err == nil && len(row) != sliceBits*8 {
		err = errBlock
	}
	f.words[k] = row
	return row, err
}

// onShelf returns which blocks of a shelf may hold an answer.
func (f *finder) onShelf(ctx context.Context, shelf int64) (uint64, error) {
	if m, ok := f.masks[shelf]; ok {
		return m, nil
	}
	mask := ^uint64(0)
	for _, alternatives := range f.ask.need {
		any := uint64(0)
		for _, bits := range alternatives {
			all := mask
			for _, bit := range bits {
				if all == 0 {
					break
				}
				row, err := f.shelfRow(ctx, shelf, int64(bit/sliceBits))
				if err != nil {
					return 0, err
				}
				all &= binary.LittleEndian.Uint64(row[bit%sliceBits*8:])
			}
			any |= all
		}
		if mask &= any; mask == 0 {
			break
		}
	}
	f.masks[shelf] = mask
	return mask, nil
}

// may reports whether a block may hold an answer.
func (f *finder) may(ctx context.Context, b *blockRow) (bool, error) {
	if b.minSeen >= f.ask.seen[1] || b.maxSeen < f.ask.seen[0] || b.minTime >= f.ask.time[1] || b.maxTime < f.ask.time[0] {
		return false, nil
	}
	if len(f.ask.need) == 0 {
		return true, nil
	}
	if b.shelf != 0 {
		mask, err := f.onShelf(ctx, b.shelf)
		return mask>>b.place&1 != 0, err
	}
	var bits []byte
	if err := f.tx.one(ctx, `SELECT bits FROM finding_piece WHERE block = ?`, []any{b.n}, &bits); err != nil {
		return false, err
	}
	if len(bits) != pieceBits/8 {
		return false, errBlock
	}
	for _, alternatives := range f.ask.need {
		if !slices.ContainsFunc(alternatives, func(need []uint32) bool {
			return !slices.ContainsFunc(need, func(bit uint32) bool { return bits[bit/8]>>(bit%8)&1 == 0 })
		}) {
			return false, nil
		}
	}
	return true, nil
}

type blockRow struct {
	n, rows, minSeen, maxSeen, minTime, maxTime, shelf, place int64
}

func (f *finder) open(ctx context.Context, n int64) (*block, error) {
	f.opened++
	var body []byte
	if err := f.tx.one(ctx, `SELECT body FROM finding_block WHERE n = ?`, []any{n}, &body); err != nil {
		return nil, err
	}
	return decodeBlock(body, f.ask.must)
}

// blocks returns the next blocks in an order of time, behind a block that was read last.
func (f *finder) blocks(ctx context.Context, after *blockRow) (out []blockRow, err error) {
	if f.list != nil {
		i := 0
		if after != nil {
			i = 1 + slices.IndexFunc(f.list, func(b blockRow) bool { return b.n == after.n })
		}
		return f.list[i:min(i+pageOfBlocks, len(f.list))], nil
	}
	most := pageOfBlocks
	switch f.order.Key {
	case "severity", "rule", "account":
		most = 1 << 30
	}
	edge := "max_seen"
	if f.byTime {
		edge = "max_time"
	}
	q, compare, direction := "", "<", " DESC"
	if !f.order.Down {
		edge, compare, direction = strings.Replace(edge, "max", "min", 1), ">", ""
	}
	args := []any{}
	if after != nil {
		at := after.edge(edge)
		q, args = ` WHERE (`+edge+`, n) `+compare+` (?, ?)`, []any{at, after.n}
	}
	err = f.tx.each(ctx, `SELECT n, rows_n, min_seen, max_seen, min_time, max_time, shelf, place FROM finding_block`+q+
		` ORDER BY `+edge+direction+`, n`+direction+` LIMIT ?`, append(args, int64(most)), func(rows *sql.Rows) error {
		var b blockRow
		err := rows.Scan(&b.n, &b.rows, &b.minSeen, &b.maxSeen, &b.minTime, &b.maxTime, &b.shelf, &b.place)
		out = append(out, b)
		return err
	})
	if most > pageOfBlocks && err == nil {
		if f.list = out; out == nil {
			f.list = []blockRow{}
		}
		out = out[:min(pageOfBlocks, len(out))]
	}
	return out, err
}

// pageOfBlocks is how many blocks are looked for at once.
const pageOfBlocks = 256

func (b *blockRow) edge(name string) int64 {
	switch name {
	case "max_seen":
		return b.maxSeen
	case "max_time":
		return b.maxTime
	case "min_seen":
		return b.minSeen
	}
	return b.minTime
}

// walk calls yield with candidates in the order of their time, from behind a spot, until it
// says false. only, where it is not nil, is asked of each row; bits are of it. It returns where
// it came to when it opened as many blocks as it may, else nil.
func (f *finder) walk(ctx context.Context, from *spot, only func(b *block, row int) bool, yield func([]candidate) (bool, error)) (stopped *spot, err error) {
	num := numSeen
	if f.byTime {
		num = numTime
	}
	before := func(a, b candidate) int { // in the order of the list
		c := cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
		if f.order.Down {
			return -c
		}
		return c
	}
	var pending []candidate
	take := func(b *block, n int64) {
		f.ask.rows(b, func(row int) {
			if only != nil && !only(b, row) {
				return
			}
			c := candidate{b.nums[num][row], b.dict[b.texts[colID].of(row)[0]], n}
			if n != 0 && f.tailOf[c.id] {
				return
			}
			if from == nil || before(c, candidate{at: from.At, id: from.ID}) > 0 {
				pending = append(pending, c)
			}
		})
	}
	take(f.tail, 0)
	var after *blockRow
	for {
		list, err := f.blocks(ctx, after)
		if err != nil {
			return nil, err
		}
		for i := range list {
			b := &list[i]
			after = b
			lo, hi := b.minSeen, b.maxSeen
			if f.byTime {
				lo, hi = b.minTime, b.maxTime
			}
			edge := hi
			if !f.order.Down {
				edge = lo
			}
			if from != nil && (f.order.Down && lo > from.At || !f.order.Down && hi < from.At) {
				continue // all of it is before the spot
			}
			if f.past(edge) {
				list = nil // nothing behind is within the times of the query
				break
			}
			may, err := f.may(ctx, b)
			if err != nil {
				return nil, err
			}
			if !may {
				continue
			}
			// What lies before this block and all behind it is in its order now.
			slices.SortFunc(pending, before)
			ready := 0
			for ready < len(pending) && (f.order.Down && pending[ready].at > edge || !f.order.Down && pending[ready].at < edge) {
				ready++
			}
			if ready > 0 {
				more, err := yield(pending[:ready])
				if err != nil || !more {
					return nil, err
				}
				pending = slices.Clone(pending[ready:])
			}
			if f.opened >= mostOpened {
				s := &spot{At: edge, ID: "\U0010ffff"}
				if !f.order.Down {
					s.ID = ""
				}
				if from != nil && (f.order.Down && s.At > from.At || !f.order.Down && s.At < from.At) {
					s.At, s.ID = from.At, from.ID
				}
				return s, nil
			}
			open, err := f.open(ctx, b.n)
			if err != nil {
				return nil, fmt.Errorf("block %d: %w", b.n, err)
			}
			if open != nil {
				take(open, b.n)
			}
		}
		if len(list) < pageOfBlocks {
			break
		}
	}
	slices.SortFunc(pending, before)
	if len(pending) > 0 {
		_, err = yield(pending)
	}
	return nil, err
}

// past reports whether no block from here on can be within the times of the query.
func (f *finder) past(edge int64) bool {
	within := f.ask.seen
	if f.byTime {
		within = f.ask.time
	}
	if f.order.Down {
		return edge < within[0]
	}
	return edge >= within[1]
}

// current drops candidates that another block holds as they are now.
func (f *finder) current(ctx context.Context, list []candidate) ([]candidate, error) {
	var ids []string
	for _, c := range list {
		if c.block != 0 {
			ids = append(ids, key(c.id))
		}
	}
	now := map[string]int64{}
	_, err := f.tx.many(ctx, `SELECT id, block FROM finding_again WHERE id IN (SELECT i FROM d)`, []column{textColumn("i", ids)}, func(rows *sql.Rows) error {
		var id string
		var n int64
		err := rows.Scan(&id, &n)
		now[id] = n
		return err
	})
	if len(now) == 0 {
		return list, err
	}
	return slices.DeleteFunc(slices.Clone(list), func(c candidate) bool {
		n, ok := now[key(c.id)]
		return ok && c.block != 0 && n != c.block
	}), err
}

// read reads findings within the scopes, and asks them again.
func (f *finder) read(ctx context.Context, list []candidate) (map[string]*yagura.Filed, error) {
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = key(c.id)
	}
	where := reach(f.ask.scopes, f.ask.all, "account", "format")
	out := make(map[string]*yagura.Filed, len(list))
	var accounts []string
	_, err := f.tx.many(ctx, `SELECT `+filedColumns+` FROM finding WHERE id IN (SELECT i FROM d) AND superseded = 0 AND `+where.sql, []column{textColumn("i", ids)}, func(rows *sql.Rows) error {
		x, _, _, err := scanFiled(rows)
		out[x.Finding.ID] = &x
		if _, ok := f.facts[x.Finding.Event.Account]; !ok {
			accounts = append(accounts, x.Finding.Event.Account)
		}
		return err
	}, where.args...)
	if err != nil {
		return nil, err
	}
	facts, err := f.tx.factsOf(ctx, accounts)
	for _, a := range accounts {
		f.facts[a] = facts[a]
	}
	if f.ask.q != nil {
		for id, x := range out {
			if !f.ask.q.Match(filedRow(x, f.facts[x.Finding.Event.Account])) {
				delete(out, id)
			}
		}
	}
	return out, err
}

// FindFindings returns findings as a query says, within scopes (all: everywhere), in an order
// of [filter.Findings] ("": the usual one). next is the cursor of what is behind, "" at the
// end: a filter that holds for few gives a page that is not full, or empty, and goes on from
// there, rather than to take its time. q has been asked At a time; nil asks for everything.
func (tx *Tx) FindFindings(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query, sort, after string, limit int) (list []yagura.Filed, next string, err error) {
	order, err := filter.Findings.Sort(sort)
	if err != nil {
		return nil, "", err
	}
	from, err := parseSpot(after, order.String())
	if err != nil {
		return nil, "", err
	}
	f, err := tx.finder(ctx, scopes, all, q)
	if err != nil {
		return nil, "", err
	}
	limit = bound(limit)
	f.order, f.byTime = order, order.Key == "time"
	values := []string{""}
	switch order.Key {
	case "severity", "rule", "account":
		if values, err = f.values(ctx, order); err != nil {
			return nil, "", err
		}
	}
	need := f.ask.need
	for _, value := range values {
		start := from
		if from != nil {
			if c := compareValues(order, value, from.Value); c < 0 {
				continue
			} else if c > 0 {
				start = nil
			}
		}
		var only func(b *block, row int) bool
		f.ask.need, only = need, nil
		if len(values) > 1 || value != "" {
			var bits []uint32
			only, bits = onlyValue(order.Key, value)
			f.ask.need = append(slices.Clone(need), [][]uint32{bits})
			f.masks = map[int64]uint64{}
		}
		stopped, err := f.walk(ctx, start, only, func(got []candidate) (bool, error) {
			got, err := f.current(ctx, got)
			for len(got) > 0 && err == nil && len(list) < limit {
				part := got[:min(len(got), limit-len(list))]
				got = got[len(part):]
				var read map[string]*yagura.Filed
				if read, err = f.read(ctx, part); err != nil {
					break
				}
				for _, c := range part {
					if x := read[c.id]; x != nil {
						list = append(list, *x)
						delete(read, c.id) // of one that is there twice the first is it
					}
					next = spot{order.String(), value, c.at, c.id}.cursor()
				}
			}
			return len(list) < limit, err
		})
		if err != nil {
			return nil, "", err
		}
		if stopped != nil {
			stopped.Sort, stopped.Value = order.String(), value
			return list, stopped.cursor(), nil
		}
		if len(list) == limit {
			return list, next, nil
		}
	}
	return list, "", nil
}

// onlyValue is the condition that a row has a value of the order.
func onlyValue(order, value string) (func(b *block, row int) bool, []uint32) {
	if order == "severity" {
		want := int64(value[0] - '0')
		return func(b *block, row int) bool { return b.nums[numSeverity][row] == want }, bitsOf("severity", value)
	}
	col := colRule
	if order == "account" {
		col = colAccount
	}
	return func(b *block, row int) bool {
		codes := b.texts[col].of(row)
		return len(codes) == 0 && value == "" || len(codes) > 0 && key(b.dict[codes[0]]) == value
	}, valueBitsOf(order, value)
}

func valueBitsOf(field, value string) []uint32 {
	if strings.ContainsRune(value, escape) { // a long one was cut
		return nil
	}
	return bitsOf(field, value)
}

func compareValues(order filter.Order, a, b string) int {
	c := strings.Compare(a, b)
	if order.Down {
		return -c
	}
	return c
}

// values returns the values that an order goes through.
func (f *finder) values(ctx context.Context, order filter.Order) ([]string, error) {
	var out []string
	if order.Key == "severity" {
		out = []string{"1", "2", "3", "4", "5"}
	} else {
		out = []string{""}
		err := f.tx.each(ctx, `SELECT value FROM finding_value WHERE field = ?`, []any{order.Key}, func(rows *sql.Rows) error {
			var s string
			err := rows.Scan(&s)
			out = append(out, s)
			return err
		})
		if err != nil {
			return nil, err
		}
		col := colRule
		if order.Key == "account" {
			col = colAccount
		}
		for _, code := range f.tail.texts[col].list {
			out = append(out, key(f.tail.dict[code]))
		}
		slices.Sort(out)
		out = slices.Compact(out)
	}
	if order.Down {
		slices.Sort(out)
		slices.Reverse(out)
	}
	return out, nil
}

// CountFindings counts the findings of a query, exactly up to most, unless that takes its
// time: then what was counted so far is told, and not exact.
func (tx *Tx) CountFindings(ctx context.Context, scopes []yagura.Scope, all bool, q *filter.Query, most int64) (n int64, exact bool, err error) {
	if all && (q == nil || len(q.Terms) == 0) {
		var sum int64
		if err := tx.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM finding WHERE superseded = 0 LIMIT ?) c`, []any{most + 1}, &sum); err != nil {
			return 0, false, err
		}
		return min(sum, most), sum <= most, nil
	}
	f, err := tx.finder(ctx, scopes, all, q)
	if err != nil {
		return 0, false, err
	}
	f.order = filter.Order{Key: "seen", Down: true}
	met := map[string]bool{}
	stopped, err := f.walk(ctx, nil, nil, func(got []candidate) (bool, error) {
		got, err := f.current(ctx, got)
		for _, c := range got {
			met[c.id] = true
		}
		return int64(len(met)) <= most, err
	})
	n = int64(len(met))
	return min(n, most), stopped == nil && n <= most, err
}
