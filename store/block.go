package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// A block is about a thousand findings in columns: of each field the codes of its texts, in a
// dictionary that all fields share. Texts are folded, but for ids and what scopes compare. A
// block says which findings may answer a query, and in which order; what is given out is read
// from the findings themselves and asked again.

// The columns of a block. Those before blockFree are what free text is looked for in.
const (
	colRule = iota
	colRuleTitle
	colAccount
	colActor
	colActorName
	colEntity
	colAction
	colOutput // with what clauses asked and found
	colIssue
	colEvent
	blockFree
)

const (
	colID      = blockFree + iota // as it is
	colScope                      // account, as it is
	colLogType                    // format, as it is
	colFormat
	colSource
	colIP
	colOutcome
	colRegion
	colTechnique
	colKind
	colEngine
	colMode
	colAccountName
	colTenant
	colOwner
	colEnvironment
	blockTexts
)

const (
	numSeen = iota
	numTime
	numSeverity
	numFlags // 1 suppressed, 2 retro
	blockNumbers
)

// findingColumns of a block that a field of [filter.Findings] is asked by.
var blockOf = map[string][]int{
	"id": {colID}, "rule": {colRule, colRuleTitle}, "account": {colAccount, colAccountName}, "tenant": {colTenant}, "owner": {colOwner}, "environment": {colEnvironment},
	"format": {colFormat}, "source": {colSource}, "entity": {colEntity}, "actor": {colActor, colActorName}, "ip": {colIP}, "action": {colAction}, "outcome": {colOutcome},
	"region": {colRegion}, "technique": {colTechnique}, "title": {colRuleTitle}, "issue": {colIssue}, "event": {colEvent}, "kind": {colKind}, "engine": {colEngine}, "mode": {colMode},
}

// accountFacts are what the issues say of an account.
type accountFacts struct{ name, tenant, owner, environment string }

// findingTexts returns the texts of a finding by column.
func findingTexts(f *yagura.Filed, facts accountFacts) [blockTexts][]string {
	var t [blockTexts][]string
	x := &f.Finding
	set := func(col int, texts ...string) {
		for _, s := range texts {
			if s != "" {
				t[col] = append(t[col], filter.Fold(cut(s, 2048)))
			}
		}
	}
	set(colRule, x.Rule.ID)
	set(colRuleTitle, x.Rule.Title)
	set(colAccount, x.Event.Account)
	set(colActor, x.Event.Actor.ID, x.Event.Actor.SessionOf)
	set(colActorName, x.Event.Actor.Name)
	set(colIP, x.Event.SrcIP)
	for _, e := range x.Entities {
		t[colEntity] = append(t[colEntity], filter.Fold(cut(e.ID, 2048))+entityMark+filter.Fold(e.Type))
		if e.Type == yagura.EntityIP && e.ID != x.Event.SrcIP {
			set(colIP, e.ID)
		}
	}
	set(colAction, x.Event.Action)
	set(colOutput, x.Output)
	for _, w := range x.Why {
		set(colOutput, w.Value, w.Actual)
	}
	set(colIssue, f.IssueID)
	set(colEvent, x.Event.ID, x.Event.Key.String())
	for _, id := range x.Events {
		if id != x.Event.ID {
			set(colEvent, id)
		}
	}
	t[colID] = []string{x.ID}
	t[colScope] = []string{x.Event.Account}
	t[colLogType] = []string{x.Format}
	set(colFormat, x.Format)
	set(colSource, x.Source)
	set(colOutcome, x.Event.Outcome)
	set(colRegion, x.Event.Region)
	t[colTechnique] = techniques(x.Rule.Tags)
	set(colKind, string(x.Kind))
	set(colEngine, string(x.Rule.Engine))
	set(colMode, findingMode(x))
	set(colAccountName, facts.name)
	set(colTenant, facts.tenant)
	set(colOwner, facts.owner)
	set(colEnvironment, facts.environment)
	return t
}

func findingMode(x *yagura.Finding) string {
	if x.Mode == "" {
		return "notify"
	}
	return x.Mode
}

func findingFlags(f *yagura.Filed) int64 { return flag(f.Suppressed) | flag(f.Finding.Retro)<<1 }

// block is a block that was read or is made.
type block struct {
	rows  int
	dict  []string
	texts [blockTexts]codes
	nums  [blockNumbers][]int64
}

// codes are the codes of the texts of each row: those of row i are list[ends[i-1]:ends[i]].
type codes struct {
	ends []uint32
	list []uint32
}

func (c *codes) of(row int) []uint32 {
	from := uint32(0)
	if row > 0 {
		from = c.ends[row-1]
	}
	return c.list[from:c.ends[row]]
}

// blockMaker makes a block of findings.
type blockMaker struct {
	block
	known map[string]uint32
}

func (m *blockMaker) add(f *yagura.Filed, facts accountFacts) {
	if m.known == nil {
		m.known = map[string]uint32{}
	}
	t := findingTexts(f, facts)
	for col := range t {
		c := &m.texts[col]
		for _, s := range t[col] {
			code, ok := m.known[s]
			if !ok {
				code = uint32(len(m.dict))
				m.known[s] = code
				m.dict = append(m.dict, s)
			}
			c.list = append(c.list, code)
		}
		c.ends = append(c.ends, uint32(len(c.list)))
	}
	for i, n := range [blockNumbers]int64{ns(f.Seen), ns(f.Finding.Time), int64(f.Severity), findingFlags(f)} {
		m.nums[i] = append(m.nums[i], n)
	}
	m.rows++
}

var zstdWriter = sync.OnceValue(func() *zstd.Encoder {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		panic(err) // the options are ours
	}
	return w
})

var zstdReader = sync.OnceValue(func() *zstd.Decoder {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(4), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		panic(err) // the options are ours
	}
	return r
})

const blockVersion = 1

// encode returns the block as its row holds it.
func (b *block) encode() []byte {
	buf := []byte{blockVersion}
	put := func(n uint64) { buf = binary.AppendUvarint(buf, n) }
	unlike := uint64(0) // whether a text is not as it is looked for
	for _, code := range b.texts[colID].list {
		if s := b.dict[code]; filter.Fold(s) != s {
			unlike = 1
			break
		}
	}
	put(unlike)
	put(uint64(b.rows))
	put(uint64(len(b.dict)))
	for _, s := range b.dict {
		put(uint64(len(s)))
	}
	for _, s := range b.dict {
		buf = append(buf, s...)
	}
	for col := range b.texts {
		c := &b.texts[col]
		last := uint32(0)
		for _, e := range c.ends {
			put(uint64(e - last))
			last = e
		}
		for _, code := range c.list {
			put(uint64(code))
		}
	}
	for i := range b.nums {
		last := int64(0)
		for _, n := range b.nums[i] {
			buf = binary.AppendVarint(buf, n-last) // wraps where it overflows, and back
			last = n
		}
	}
	return zstdWriter().EncodeAll(buf, nil)
}

var errBlock = errors.New("a block of findings cannot be read")

// decodeBlock reads a block. Where its texts do not hold one of those that every answer holds,
// it is nil: most of the work is left undone.
func decodeBlock(data []byte, must []string) (b *block, err error) {
	buf, err := zstdReader().DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBlock, err)
	}
	if len(buf) == 0 || buf[0] != blockVersion {
		return nil, errBlock
	}
	buf = buf[1:]
	broken := false
	get := func() uint64 {
		n, size := binary.Uvarint(buf)
		if size <= 0 {
			broken = true
			return 0
		}
		buf = buf[size:]
		return n
	}
	unlike := get()
	b = &block{rows: int(get())}
	size := int(get())
	if broken || b.rows < 0 || b.rows > 1<<20 || size < 0 || size > len(buf) {
		return nil, errBlock
	}
	lengths := make([]int, size)
	all := 0
	for i := range lengths {
		lengths[i] = int(get())
		all += lengths[i]
	}
	if broken || all > len(buf) || all < 0 {
		return nil, errBlock
	}
	whole := string(buf[:all])
	buf = buf[all:]
	for _, text := range must {
		if unlike == 0 && !strings.Contains(whole, text) {
			return nil, nil
		}
	}
	b.dict = make([]string, size)
	for i, n := range lengths {
		b.dict[i], whole = whole[:n], whole[n:]
	}
	for col := range b.texts {
		c := &b.texts[col]
		c.ends = make([]uint32, b.rows)
		last := uint32(0)
		for i := range c.ends {
			last += uint32(get())
			c.ends[i] = last
		}
		if broken || int(last) > len(buf) {
			return nil, errBlock
		}
		c.list = make([]uint32, last)
		for i := range c.list {
			if c.list[i] = uint32(get()); int(c.list[i]) >= size {
				return nil, errBlock
			}
		}
	}
	for i := range b.nums {
		b.nums[i] = make([]int64, b.rows)
		last := int64(0)
		for j := range b.nums[i] {
			n, size := binary.Varint(buf)
			if size <= 0 {
				return nil, errBlock
			}
			buf = buf[size:]
			last += n
			b.nums[i][j] = last
		}
	}
	if broken {
		return nil, errBlock
	}
	return b, nil
}

// Bits of pieces.
const (
	pieceBits  = 1 << 20
	sliceBits  = 512
	shelfSize  = 64
	pieceSlice = pieceBits / sliceBits
)

// bitOf is the bit of a piece of text.
func bitOf(h uint64) uint32 { return uint32((h ^ h>>23) % pieceBits) }

// bitsOf are the bits of a whole value: three, as fewer values than pieces are looked up at
// once.
func bitsOf(field, value string) []uint32 {
	h := tokenHash(field, value)
	return []uint32{uint32(h % pieceBits), uint32(h >> 20 % pieceBits), uint32(h >> 40 % pieceBits)}
}

// tokens are the whole values that a block is found by.
func eachToken(field, value string, yield func(field, value string)) {
	yield(field, value)
	switch field {
	case "format", "technique":
		for i := range len(value) {
			if value[i] == '.' {
				yield(field, value[:i])
			}
		}
	case "entity":
		if id, _, ok := strings.Cut(value, entityMark); ok {
			yield("entity", id)
		}
	case "ip":
		a, err := netip.ParseAddr(value)
		if err != nil {
			return
		}
		a = a.Unmap().WithZone("")
		for _, bits := range networkBits(a) {
			if p, err := a.Prefix(bits); err == nil {
				yield("net", p.String())
			}
		}
	}
}

func networkBits(a netip.Addr) []int {
	if a.Is4() {
		return []int{8, 16, 24, 32}
	}
	return []int{32, 48, 64, 128}
}

// pieces returns the bits of the block.
func (b *block) pieces() []byte {
	bits := make([]byte, pieceBits/8)
	set := func(n uint32) { bits[n/8] |= 1 << (n % 8) }
	token := func(field, value string) {
		for _, n := range bitsOf(field, value) {
			set(n)
		}
	}
	for _, s := range b.dict {
		eachPiece(filter.Fold(s), true, func(h uint64, _ int) { set(bitOf(h)) }) // ids are as they are
	}
	for field, cols := range blockOf {
		for _, col := range cols {
			done := make([]bool, len(b.dict))
			for _, code := range b.texts[col].list {
				if !done[code] {
					done[code] = true
					s := b.dict[code]
					if col == colID {
						s = filter.Fold(s)
					}
					eachToken(field, s, token)
				}
			}
		}
	}
	for _, col := range []int{colScope, colLogType} {
		done := make([]bool, len(b.dict))
		for _, code := range b.texts[col].list {
			if !done[code] {
				done[code] = true
				token(scopeTokens[col], b.dict[code])
			}
		}
	}
	for field, col := range map[string]int{"rule": colRule, "account": colAccount} {
		for row := range b.rows {
			if len(b.texts[col].of(row)) == 0 {
				token(field, "")
				break
			}
		}
	}
	var severities [8]bool
	flags := int64(0)
	for i := range b.rows {
		severities[b.nums[numSeverity][i]&7] = true
		flags |= b.nums[numFlags][i]
	}
	for s, there := range severities {
		if there {
			token("severity", fmt.Sprint(s))
		}
	}
	if flags&1 != 0 {
		token("suppressed", "1")
	}
	if flags&2 != 0 {
		token("retro", "1")
	}
	return bits
}

var scopeTokens = map[int]string{colScope: "scope account", colLogType: "scope format"}

// filedRow gives the cells of a finding to [filter.Query.Match].
func filedRow(f *yagura.Filed, facts accountFacts) filter.Row {
	x := &f.Finding
	t := findingTexts(f, facts)
	texts := func(cols ...int) (out []any) {
		for _, col := range cols {
			for _, s := range t[col] {
				out = append(out, s)
			}
		}
		return out
	}
	return func(field string) []any {
		switch field {
		case "":
			var out []any
			for col := range blockFree {
				for _, s := range t[col] {
					if col == colEntity {
						s, _, _ = strings.Cut(s, entityMark)
					}
					out = append(out, s)
				}
			}
			return append(out, x.ID)
		case "severity":
			return []any{f.Severity}
		case "time":
			return []any{x.Time}
		case "seen":
			return []any{f.Seen}
		case "suppressed":
			return []any{f.Suppressed}
		case "retro":
			return []any{x.Retro}
		case "entity":
			var out []any
			for _, s := range t[colEntity] {
				out = append(out, cellOf(colEntity, s))
			}
			return out
		}
		return texts(blockOf[field]...)
	}
}

// cellOf is a text of a column as a cell.
func cellOf(col int, s string) any {
	if col == colEntity {
		id, typ, _ := strings.Cut(s, entityMark)
		return yagura.Entity{Type: typ, ID: id}
	}
	return s
}
