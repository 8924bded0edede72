package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"slices"

	"github.com/yagura-sec/yagura"
)

// blockRows is how many findings make a block.
const blockRows = 1024

// IndexFindings makes a block of the findings that wait to be in one, when there are enough,
// and says how many it took: 0 when there is nothing to do. Lists are right without: what is
// in no block is looked through one by one, which takes its time.
func (tx *Tx) IndexFindings(ctx context.Context) (int, error) {
	if _, _, err := tx.HoldState(ctx, "lists/blocks"); err != nil {
		return 0, err
	}
	n, err := tx.makeBlock(ctx, blockRows)
	if err != nil {
		return 0, err
	}
	return n, tx.shelve(ctx)
}

// waiting is a finding that waits to be in a block.
type waiting struct {
	seq   int64
	again bool
	gone  bool // taken back, or not there
	f     yagura.Filed
	id    string // as columns hold it
	bare  bool   // account and format of its row are not filled in
}

const waitingColumns = `w.seq, w.again, w.id, f.superseded, f.account = '' AND f.format = '', f.id, f.issue_id, f.episode, f.severity, f.suppressed, f.generation, f.seen, f.clauses, f.body`

func scanWaiting(rows *sql.Rows) (w waiting, err error) {
	var again, gone int64
	w.f, _, _, err = scanFiled(rows, &w.seq, &again, &w.id, &gone, &w.bare)
	w.again, w.gone = again != 0, gone != 0
	return w, err
}

// waitingFindings returns findings that are in no block, in the order in which they came.
func (tx *Tx) waitingFindings(ctx context.Context, limit int) (list []waiting, err error) {
	err = tx.each(ctx, `SELECT `+waitingColumns+` FROM finding_new w JOIN finding f ON f.id = w.id ORDER BY w.seq LIMIT ?`, []any{int64(limit)}, func(rows *sql.Rows) error {
		w, err := scanWaiting(rows)
		list = append(list, w)
		return err
	})
	return list, err
}

// factsOf returns what the issues say of accounts, by the account.
func (tx *Tx) factsOf(ctx context.Context, accounts []string) (map[string]accountFacts, error) {
	keys := make([]string, 0, len(accounts))
	of := map[string]string{}
	for _, a := range unique(accounts) {
		if a != "" {
			k := fold(a)
			of[k] = a
			keys = append(keys, k)
		}
	}
	out := map[string]accountFacts{}
	_, err := tx.many(ctx, `SELECT f.account_id, f.account_name, f.tenant, f.owner, f.environment FROM d JOIN issue_fact f
		ON f.n = (SELECT x.n FROM issue_fact x WHERE x.account_id = d.a ORDER BY x.updated DESC, x.n DESC LIMIT 1)`, []column{textColumn("a", keys)}, func(rows *sql.Rows) error {
		var account string
		var f accountFacts
		err := rows.Scan(&account, &f.name, &f.tenant, &f.owner, &f.environment)
		out[of[account]] = f
		return err
	})
	return out, err
}

// makeBlock makes a block of the findings that wait, when there are at least most of them.
func (tx *Tx) makeBlock(ctx context.Context, most int) (int, error) {
	var there int64
	if err := tx.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM finding_new LIMIT ?) c`, []any{int64(most)}, &there); err != nil || there < int64(most) {
		return 0, err
	}
	list, err := tx.waitingFindings(ctx, most)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	var accounts []string
	for i := range list {
		accounts = append(accounts, list[i].f.Finding.Event.Account)
	}
	facts, err := tx.factsOf(ctx, accounts)
	if err != nil {
		return 0, err
	}
	var m blockMaker
	var seqs []int64
	var again, gone, bare, bareAccounts, bareFormats []string
	inBlock := map[string]bool{}
	// Of one that waits twice the later is as it is: both were read now, and say the same.
	for i := range list {
		w := &list[i]
		seqs = append(seqs, w.seq)
		if w.bare {
			bare = append(bare, w.id)
			bareAccounts, bareFormats = append(bareAccounts, key(w.f.Finding.Event.Account)), append(bareFormats, key(w.f.Finding.Format))
		}
		switch {
		case w.gone:
			gone = append(gone, w.id)
		case !inBlock[w.id]:
			inBlock[w.id] = true
			m.add(&w.f, facts[w.f.Finding.Event.Account])
		}
		if w.again {
			again = append(again, w.id)
		}
	}
	if _, err := tx.many(ctx, `DELETE FROM finding_new WHERE seq IN (SELECT s FROM d)`, []column{intColumn("s", seqs)}, nil); err != nil {
		return 0, err
	}
	if _, err := tx.many(ctx, `UPDATE finding SET account = d.account, format = d.format FROM d WHERE finding.id = d.id`,
		[]column{textColumn("id", bare), textColumn("account", bareAccounts), textColumn("format", bareFormats)}, nil); err != nil {
		return 0, err
	}
	if err := tx.addFindingCounts(ctx, list); err != nil {
		return 0, err
	}
	number := int64(-1)
	if m.rows > 0 {
		if number, err = tx.putBlock(ctx, &m.block); err != nil {
			return 0, err
		}
	}
	again = unique(append(again, gone...))
	blocks := make([]int64, len(again))
	for i, id := range again {
		blocks[i] = -1
		if inBlock[id] {
			blocks[i] = number
		}
	}
	_, err = tx.many(ctx, `INSERT INTO finding_again (id, block) SELECT id, block FROM d WHERE true ON CONFLICT (id) DO UPDATE SET block = excluded.block`,
		[]column{textColumn("id", again), intColumn("block", blocks)}, nil)
	return len(list), err
}

// putBlock writes a block and returns its number.
func (tx *Tx) putBlock(ctx context.Context, b *block) (number int64, err error) {
	seen, when := b.nums[numSeen], b.nums[numTime]
	_, err = tx.many(ctx, `INSERT INTO finding_block (rows_n, min_seen, max_seen, min_time, max_time, shelf, place, body)
		SELECT rows_n, min_seen, max_seen, min_time, max_time, 0, 0, body FROM d RETURNING n`,
		[]column{intColumn("rows_n", []int64{int64(b.rows)}), intColumn("min_seen", []int64{slices.Min(seen)}), intColumn("max_seen", []int64{slices.Max(seen)}),
			intColumn("min_time", []int64{slices.Min(when)}), intColumn("max_time", []int64{slices.Max(when)}), blobColumn("body", [][]byte{b.encode()})},
		func(rows *sql.Rows) error { return rows.Scan(&number) })
	if err != nil {
		return 0, err
	}
	if _, err := tx.exec(ctx, `INSERT INTO finding_piece (block, bits) VALUES (?, ?)`, number, b.pieces()); err != nil {
		return 0, err
	}
	var fields, values []string
	for field, col := range map[string]int{"rule": colRule, "account": colAccount} {
		done := make([]bool, len(b.dict))
		for _, code := range b.texts[col].list {
			if !done[code] {
				done[code] = true
				fields, values = append(fields, field), append(values, key(b.dict[code]))
			}
		}
	}
	_, err = tx.many(ctx, `INSERT INTO finding_value (field, value) SELECT f, v FROM d WHERE true ON CONFLICT (field, value) DO NOTHING`,
		[]column{textColumn("f", fields), textColumn("v", values)}, nil)
	return number, err
}

// shelve puts 64 blocks on a shelf when there are as many that are on none.
func (tx *Tx) shelve(ctx context.Context) error {
	var blocks []int64
	err := tx.each(ctx, `SELECT n FROM finding_block WHERE shelf = 0 ORDER BY n LIMIT ?`, []any{int64(shelfSize)}, func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		blocks = append(blocks, n)
		return err
	})
	if err != nil || len(blocks) < shelfSize {
		return err
	}
	turned := make([]uint64, pieceBits)
	places := make([]int64, len(blocks))
	for place, n := range blocks {
		places[place] = int64(place)
		var bits []byte
		if err := tx.one(ctx, `SELECT bits FROM finding_piece WHERE block = ?`, []any{n}, &bits); err != nil {
			return err
		}
		for i, b := range bits {
			for ; b != 0; b &= b - 1 {
				turned[i*8+trailing[b]] |= 1 << place
			}
		}
	}
	var slicesOf []int64
	var rows [][]byte
	for s := range int64(pieceSlice) {
		row := make([]byte, 0, sliceBits*8)
		for _, w := range turned[s*sliceBits : (s+1)*sliceBits] {
			row = binary.LittleEndian.AppendUint64(row, w)
		}
		slicesOf, rows = append(slicesOf, s), append(rows, row)
	}
	shelf := blocks[0]
	if _, err := tx.many(ctx, `INSERT INTO finding_shelf (shelf, slice, bits) SELECT CAST(? AS BIGINT), s, b FROM d`, []column{intColumn("s", slicesOf), blobColumn("b", rows)}, nil, shelf); err != nil {
		return err
	}
	if _, err := tx.many(ctx, `DELETE FROM finding_piece WHERE block IN (SELECT n FROM d)`, []column{intColumn("n", blocks)}, nil); err != nil {
		return err
	}
	_, err = tx.many(ctx, `UPDATE finding_block SET shelf = ?, place = d.p FROM d WHERE finding_block.n = d.n`, []column{intColumn("n", blocks), intColumn("p", places)}, nil, shelf)
	return err
}

// trailing is the number of the lowest bit of a byte.
var trailing = func() (t [256]int) {
	for b := 1; b < 256; b++ {
		for b>>t[b]&1 == 0 {
			t[b]++
		}
	}
	return t
}()
