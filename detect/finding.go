package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
)

// Bounds of one finding. What they cut off is said in Finding.Caps or in the text.
const (
	maxEntities = 200
	maxPart     = 200 // bytes of one part of a cause key
	maxOutput   = 8 << 10
)

// finding makes the finding of a hit from the record that st has begun.
func (m *Matcher) finding(h Hit, st *query.State, ev *yagura.Event) yagura.Finding {
	c := &m.cur.rules[h.pos]
	in := &m.e.info[h.num]
	f := newFinding(h.Rule, in, ev.Format, ev.Source)
	f.ID = eventFindingID(&in.digest, ev)
	f.Time = ev.Time
	f.Event = ev.Ref()
	f.Events = []string{nameOf(ev)}
	f.Why = c.prog.Why(st)
	f.Output = output(h.Rule.On(m.name), c, st)
	var set entitySet
	set.event(ev)
	for i, x := range h.Rule.SideCar.Entities {
		for _, id := range st.Scalars(c.entities[i], nil) {
			set.add(x.Type, string(id))
		}
	}
	f.Entities, f.Caps = set.list(f.Caps)
	f.CauseKey, _ = m.causeKey(h, c.cause, st, ev)
	for _, parts := range c.former {
		key, _ := m.causeKey(h, parts, st, ev)
		f.FormerKeys = append(f.FormerKeys, key)
	}
	if len(c.alias) > 0 {
		if key, whole := m.causeKey(h, c.alias, st, ev); whole {
			f.AliasKeys = []string{key}
		}
	}
	return f
}

// nameOf is how a finding names an event: by its native id, or else by its key.
func nameOf(ev *yagura.Event) string {
	if ev.ID == "" {
		return ev.Key.String()
	}
	return ev.ID
}

func newFinding(r *rule.Rule, in *ruleInfo, format, source string) yagura.Finding {
	f := yagura.Finding{V: 1, Kind: r.SideCar.Kind, Rule: in.ref, Severity: r.EffectiveSeverity(),
		SeverityOriginal: r.SeverityOriginal, Format: format, Source: source}
	if f.Kind == "" {
		f.Kind = yagura.Behaviour
	}
	if r.SideCar.Mode == rule.ModeCount {
		f.Mode = rule.ModeCount
	}
	return f
}

// eventFindingID makes the id of a finding about one event from the rule's digest and
// the event's key and content, in the way in which the key itself is made: 32
// hexadecimal digits.
func eventFindingID(rule *[16]byte, ev *yagura.Event) string {
	var b [40]byte
	copy(b[:16], rule[:])
	copy(b[16:], ev.Key[:])
	binary.BigEndian.PutUint64(b[32:], ev.Content)
	var sum [16]byte
	for i, seed := range [...]uint64{seedHigh, seedLow} {
		var d xxhash.Digest
		d.ResetWithSeed(seed)
		_, _ = d.Write(b[:])
		binary.BigEndian.PutUint64(sum[8*i:], d.Sum64())
	}
	return hexText(&sum)
}

// The seeds of the hashes in ids of findings. An id that was written down by one version
// is met again by the next.
const (
	seedHigh = 0x796167757261f001
	seedLow  = 0x796167757261f002
)

// windowFindingID makes the id of a finding about a window: 32 hexadecimal digits.
func windowFindingID(rule string, group, epoch []byte) string {
	sum := digest("window", []byte(rule), group, epoch)
	return hexText(&sum)
}

// digest is a hash of a word and some parts, each with its length.
func digest(word string, parts ...[]byte) (sum [16]byte) {
	b := append(make([]byte, 0, 256), word...)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	whole := sha256.Sum256(b)
	return [16]byte(whole[:16])
}

func hexText(sum *[16]byte) string {
	var id [32]byte
	hex.Encode(id[:], sum[:])
	return string(id[:])
}

func output(r *rule.Rule, c *compiled, st *query.State) string {
	if r.Output == nil {
		return r.Title
	}
	out := strings.ToValidUTF8(r.Output.Render(st.Input(c.output)), "\uFFFD")
	if len(out) > maxOutput {
		cut := maxOutput
		for !utf8.RuneStart(out[cut]) {
			cut--
		}
		out = out[:cut] + "…"
	}
	return out
}

// causeKey writes what makes two findings one cause: account, rule, and parts that the
// side-car names, or else the actor and the first target. Of parts with the
// same word the first counts that the record has. The values of a part are sorted, each
// once: in what order a record lists them, and in how many places, makes no other cause.
// Whole says that the record has a value for every word.
func (m *Matcher) causeKey(h Hit, parts []part, st *query.State, ev *yagura.Event) (key string, whole bool) {
	b := newCause(m.cause[:0], ev.Account, m.e.info[h.num].scope)
	defer func() { m.cause = b }()
	if len(parts) == 0 {
		b.part("actor", headerWord("actor", ev))
		b.part("target", headerWord("target", ev))
		return string(b), true
	}
	last, missing := "", ""
	for _, p := range parts {
		if p.header {
			if p.word != "account" {
				b.part(p.word, headerWord(p.word, ev))
			}
			continue
		}
		if p.word == last {
			continue
		}
		var values []string
		for _, text := range st.Scalars(p.field, nil) {
			if p.except == "" || string(text) != p.except {
				values = append(values, string(text))
			}
		}
		if len(values) == 0 { // a part that the record does not have is left out
			if missing == "" {
				missing = p.word
			}
			continue
		}
		slices.Sort(values)
		b.part(p.word, strings.Join(slices.Compact(values), ","))
		if last = p.word; missing == last {
			missing = ""
		}
	}
	return string(b), missing == ""
}

func isHeaderWord(word string) bool { return slices.Contains(rule.HeaderWords(), word) }

// headerWord returns the value of a word of a cause key. An actor's session counts as
// whom the session is of, so that a new session is not a new cause.
func headerWord(word string, ev *yagura.Event) string {
	switch word {
	case "account":
		return ev.Account
	case "region":
		return ev.Region
	case "action":
		return ev.Action
	case "src_ip":
		return ev.SrcIP
	case "actor":
		return actorName(ev.Actor)
	case "target":
		if len(ev.Targets) > 0 {
			return ev.Targets[0].ID
		}
	}
	return ""
}

func actorName(a yagura.Actor) string {
	switch {
	case a.SessionOf != "":
		return a.SessionOf
	case a.Type == yagura.EntitySession && strings.Contains(a.ID, ":assumed-role/"):
		// arn:aws:sts::111122223333:assumed-role/Role/session, of a record that does not
		// tell the role beside it.
		role, _, _ := strings.Cut(a.ID[strings.Index(a.ID, ":assumed-role/")+len(":assumed-role/"):], "/")
		return a.ID[:strings.Index(a.ID, ":assumed-role/")] + ":assumed-role/" + role
	case a.ID != "":
		return a.ID
	}
	return a.Name
}

// cause builds a cause key: `account rule name=value name=value …`, readable, on one
// line. A value with a space, a quote, a backslash or what cannot be printed is quoted
// as in Go, and a long one is cut and closed by a hash of the whole.
type cause []byte

func newCause(b []byte, account, scope string) cause {
	if account == "" {
		account = "-"
	}
	return appendQuoted(append(appendQuoted(b, account), ' '), scope)
}

func (b *cause) part(name, value string) {
	*b = appendQuoted(append(*b, ' '), name)
	*b = appendQuoted(append(*b, '='), value)
}

func appendQuoted(b []byte, s string) []byte {
	if !plain(s) {
		s = strconv.Quote(s)
	}
	if len(s) <= maxPart {
		return append(b, s...)
	}
	sum := sha256.Sum256([]byte(s))
	cut := maxPart - 20
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	b = append(append(b, s[:cut]...), "…"...)
	return hex.AppendEncode(b, sum[:8])
}

// plain reports whether s can stand in a cause key as it is.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			for _, r := range s[i:] {
				if r == '"' || r == '\\' || r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r) {
					return false
				}
			}
			return true
		case c <= ' ' || c == '"' || c == '\\' || c == 0x7F:
			return false
		}
	}
	return true
}

// few is up to how many entities, or ids, are compared one by one, and not by a map.
const few = 32

// entitySet collects entities without repeats, in the order of their coming.
type entitySet struct {
	out  []yagura.Entity
	seen map[yagura.Entity]bool
	more int
}

func (s *entitySet) add(typ, id string) {
	if !utf8.ValidString(id) {
		id = strings.ToValidUTF8(id, "\uFFFD")
	}
	e := yagura.Entity{Type: typ, ID: id}
	if typ == "" || id == "" {
		return
	}
	if s.seen == nil {
		if slices.Contains(s.out, e) {
			return
		}
	} else if s.seen[e] {
		return
	}
	if len(s.out) >= maxEntities {
		s.more++
		return
	}
	if s.out == nil {
		s.out = make([]yagura.Entity, 0, 8)
	}
	s.out = append(s.out, e)
	switch {
	case s.seen != nil:
		s.seen[e] = true
	case len(s.out) > few:
		s.seen = map[yagura.Entity]bool{}
		for _, x := range s.out {
			s.seen[x] = true
		}
	}
}

// addText is add for texts of a record, which are copied only when they are new.
func (s *entitySet) addText(typ, id []byte) {
	if s.seen != nil {
		if s.seen[yagura.Entity{Type: string(typ), ID: string(id)}] {
			return
		}
	} else {
		for i := range s.out {
			if s.out[i].ID == string(id) && s.out[i].Type == string(typ) {
				return
			}
		}
	}
	s.add(string(typ), string(id))
}

// event adds who and what an event names. The first event's list is taken as it is.
func (s *entitySet) event(ev *yagura.Event) {
	if n := len(ev.Entities); s.out == nil && n > 0 && n <= few {
		s.out = ev.Entities[:n:n]
		return
	}
	s.add(ev.Actor.Type, ev.Actor.ID)
	for _, t := range ev.Targets {
		s.add(t.Type, t.ID)
	}
	if _, err := netip.ParseAddr(ev.SrcIP); err == nil {
		s.add(yagura.EntityIP, ev.SrcIP)
	}
	for _, x := range ev.Entities {
		s.add(x.Type, x.ID)
	}
	s.add(yagura.EntityAccount, ev.Account)
}

func (s *entitySet) list(caps []string) ([]yagura.Entity, []string) {
	if s.more > 0 {
		caps = append(caps, fmt.Sprintf("entities: the first %d are named, %d more are not", maxEntities, s.more))
	}
	if s.out == nil {
		return []yagura.Entity{}, caps
	}
	return s.out, caps
}
