package detect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// window is a stretch of one group's base matches that a finding is about.
type window struct {
	group       []byte
	start, last int64
	held        int64 // when it was known to hold
	count       int   // base matches
	total       int   // events behind them
	ids         []string
	named       map[string]bool // the same, when they are many
	entities    entitySet
	lastHead    []byte
	lastKey     []byte
	byBase      []int
	trimmed     int     // base matches whose values were not measured
	actual      float64 // what the bounds were compared with
	// rows are the different rows of values to hand on, in the order in which they came;
	// cut is how many were left out.
	rows     [][]byte
	rowBytes int
	known    map[string]bool
	cut      int
}

// take adds a base match to the window's account. Of its head are read only how many
// events it is of, their names and the entities.
func (win *window) take(r *record, o WindowOptions) error {
	h := headReader{b: r.head}
	for range headTexts {
		h.text()
	}
	h.bytes(len(yagura.Key{}))
	total := h.number()
	if h.bad {
		return errRecord
	}
	if win.count == 0 {
		win.start = r.time
	}
	again := r.time == win.last && bytes.Equal(r.key, win.lastKey) // of another base rule
	win.last, win.lastHead, win.lastKey = r.time, r.head, r.key
	if r.chained && r.held < r.time && r.held >= win.start {
		return nil // the same finding, at its end
	}
	win.count++
	if !again {
		win.total += total
	}
	win.byBase[r.base]++
	win.carry(r.rows)
	for n := h.number(); n > 0 && !h.bad; n-- {
		if id := h.text(); len(win.ids) < o.MaxEvents && !win.names(id) {
			win.ids = append(win.ids, string(id))
		}
	}
	for n := h.number(); n > 0 && !h.bad; n-- {
		typ := h.text()
		win.entities.addText(typ, h.text())
	}
	if h.bad {
		return errRecord
	}
	return nil
}

// names reports whether an event is among ids already.
func (win *window) names(id []byte) bool {
	if len(win.ids) < few {
		return slices.ContainsFunc(win.ids, func(x string) bool { return x == string(id) })
	}
	if win.named == nil {
		win.named = make(map[string]bool, 2*few)
		for _, x := range win.ids {
			win.named[x] = true
		}
	}
	if win.named[string(id)] {
		return true
	}
	win.named[string(id)] = true
	return false
}

// carry keeps rows of values to hand on.
func (win *window) carry(rows [][]byte) {
	for _, row := range rows {
		switch {
		case win.known[string(row)]:
		case len(win.rows) == maxRows || win.rowBytes+len(row) > maxRowBytes:
			win.cut++
		default:
			if win.known == nil {
				win.known = map[string]bool{}
			}
			win.known[string(row)] = true
			win.rows = append(win.rows, row)
			win.rowBytes += len(row)
		}
	}
}

// finding writes a window as a finding, and returns the values of its group.
func (w *Windows) finding(c *correlation, in *ruleInfo, win *window) (yagura.Finding, []string, error) {
	h, err := decodeHead(win.lastHead, win.last)
	if err != nil {
		return yagura.Finding{}, nil, err
	}
	group, _ := splitTuple(win.group, len(c.GroupBy))
	shownGroup := make([]string, len(group))
	for i, v := range group {
		shownGroup[i] = strings.ToValidUTF8(v, "\uFFFD")
	}
	f := newFinding(c.rule, in, h.format, h.source)
	f.ID = windowFindingID(in.key, win.group, epoch(win.start, c.Timespan))
	f.Time = h.ref.Time
	f.Event = h.ref
	if f.Events = win.ids; f.Events == nil {
		f.Events = []string{}
	}
	f.Why = c.why(win, shownGroup)
	f.Output = c.output(win, shownGroup)
	for _, x := range c.rule.SideCar.Entities {
		win.entities.add(x.Type, shownGroup[slices.Index(c.GroupBy, x.Field)])
	}
	if win.total > len(win.ids) && len(win.ids) >= w.o.MaxEvents {
		f.Caps = append(f.Caps, fmt.Sprintf("events: the first %d of %d are named", len(win.ids), win.total))
	}
	if win.trimmed > 0 {
		f.Caps = append(f.Caps, fmt.Sprintf("values: more than %d; those of %d events were left out", c.mostValues(w.o), win.trimmed))
	}
	f.Entities, f.Caps = win.entities.list(f.Caps)
	f.CauseKey, _ = c.causeKey(c.rule.SideCar.CauseKey, in, &h.ref, shownGroup)
	for _, parts := range c.rule.SideCar.FormerCauseKeys {
		if key, ok := c.causeKey(parts, in, &h.ref, shownGroup); ok {
			f.FormerKeys = append(f.FormerKeys, key)
		}
	}
	return f, group, nil
}

// causeKey writes what makes two windows one cause, by parts of a side-car or else the
// group. It is not ok where a part is no field of the group: a template of before the
// group was another one.
func (c *correlation) causeKey(parts []string, in *ruleInfo, ref *yagura.EventRef, shownGroup []string) (text string, ok bool) {
	key := newCause(nil, ref.Account, in.scope)
	if len(parts) == 0 {
		parts = c.GroupBy
	}
	for _, entry := range parts {
		word, name := rule.CausePart(entry)
		if i := slices.Index(c.GroupBy, name); i >= 0 {
			key.part(word, shownGroup[i])
		} else if !isHeaderWord(name) {
			return "", false
		} else if name != "account" {
			key.part(name, headerWord(name, &yagura.Event{Region: ref.Region, Action: ref.Action, SrcIP: ref.SrcIP, Actor: ref.Actor}))
		}
	}
	return string(key), true
}

// epoch is the part of a window's id that stands for its place in time: the number
// of its start counted in timespans. Two windows of a group start more than a
// timespan apart, so no two have the same; and a late event that moves the start a
// little leaves it as it is, as does one that makes the window grow.
func epoch(start int64, span time.Duration) []byte {
	n := start / int64(span)
	if start%int64(span) < 0 {
		n--
	}
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}

func (c *correlation) why(win *window, group []string) []yagura.Why {
	out := []yagura.Why{}
	for i, name := range c.GroupBy {
		out = append(out, yagura.Why{Field: name, Op: "group-by", Value: name, Actual: group[i]})
	}
	for _, b := range c.Bounds {
		out = append(out, yagura.Why{Field: string(c.Type), Op: b.Op, Value: float(b.Value), Actual: float(win.actual)})
	}
	if c.temporal() {
		for i, r := range c.Rules {
			name := r.Title
			if i < len(c.RuleNames) && c.RuleNames[i] != "" {
				name = c.RuleNames[i]
			}
			switch {
			case win.byBase[i] > 0:
				out = append(out, yagura.Why{Field: name, Op: "occurs", Value: string(c.Type), Actual: strconv.Itoa(win.byBase[i])})
			case !c.positive[i]:
				out = append(out, yagura.Why{Field: name, Op: "not occurs", Value: string(c.Type), Actual: "0"})
			}
		}
	}
	return append(out, yagura.Why{Field: "timespan", Op: "within", Value: c.Timespan.String(),
		Actual: time.Duration(win.last - win.start).String()})
}

func (c *correlation) output(win *window, group []string) string {
	var b strings.Builder
	b.WriteString(c.rule.Title)
	fmt.Fprintf(&b, ": %d event", win.total)
	if win.total != 1 {
		b.WriteByte('s')
	}
	fmt.Fprintf(&b, " in %s", time.Duration(win.last-win.start))
	for i, name := range c.GroupBy {
		b.WriteString(", " + name + "=" + string(appendQuoted(nil, group[i])))
	}
	return b.String()
}

func float(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// within reports whether a value satisfies all bounds.
func (c *correlation) within(v float64) bool {
	for _, b := range c.Bounds {
		var ok bool
		switch b.Op {
		case "gt":
			ok = v > b.Value
		case "gte":
			ok = v >= b.Value
		case "lt":
			ok = v < b.Value
		case "lte":
			ok = v <= b.Value
		case "eq":
			ok = v == b.Value
		case "neq":
			ok = v != b.Value
		}
		if !ok {
			return false
		}
	}
	return true
}
