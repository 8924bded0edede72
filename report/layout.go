package report

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// The columns of the table.
const (
	severityColumn = iota
	ruleColumn
	countColumn
	accountColumn
	actorColumn
	targetColumn
	timeColumn
	columnCount
)

const (
	// narrow is the width of a terminal below which a row takes two lines.
	narrow = 110
	gap    = "  "
)

// layout is how the rows of a table are laid out.
type layout struct {
	t      *table
	words  *words
	widths [columnCount]int
	short  bool // times without seconds
	two    bool // two lines a row: severity, rule and count, then the rest
}

// layout gives every column the room of its longest cell. In a terminal times lose
// their seconds and titles, accounts, actors and targets are cut until a row fits,
// titles the least; in a narrow one a row takes two lines.
func (t *table) layout(rows []*cause, w *words) *layout {
	l := &layout{t: t, words: w, two: t.o.Width > 0 && t.o.Width < narrow}
	l.measure(rows)
	titles := min(l.widths[ruleColumn], 100)
	if t.o.Width == 0 {
		for j := range l.widths { // bounds where no terminal gives one
			l.widths[j] = min(l.widths[j], 60)
		}
		l.widths[ruleColumn] = titles
		return l
	}
	if l.two {
		l.widths[ruleColumn] = min(l.widths[ruleColumn], max(20, t.o.Width-l.widths[severityColumn]-l.widths[countColumn]-2*len(gap)))
		return l
	}
	if l.width() > t.o.Width {
		l.short = true
		l.measure(rows)
	}
	for l.width() > t.o.Width {
		widest, most := -1, 0
		for _, j := range []int{ruleColumn, accountColumn, actorColumn, targetColumn} {
			weight := 2 * l.widths[j]
			if j == ruleColumn {
				weight = l.widths[j]
			}
			if l.widths[j] > 8 && weight > most {
				widest, most = j, weight
			}
		}
		if widest < 0 {
			break
		}
		l.widths[widest]--
	}
	return l
}

func (l *layout) measure(rows []*cause) {
	l.widths = [columnCount]int{}
	for j, name := range l.heads() {
		l.widths[j] = columns(name)
	}
	for _, c := range rows {
		for j, cell := range l.cells(c) {
			l.widths[j] = max(l.widths[j], columns(cell))
		}
	}
}

// width is that of a row in one line.
func (l *layout) width() int {
	n := (columnCount - 1) * len(gap)
	for _, w := range l.widths {
		n += w
	}
	return n
}

func (l *layout) heads() [columnCount]string {
	h := l.words.heads
	h[timeColumn] = fmt.Sprintf(h[timeColumn], l.t.o.Location)
	return h
}

func (l *layout) head(out *bufio.Writer) {
	cells := l.fitted(l.heads(), false)
	for j := range cells {
		cells[j] = l.t.bold(cells[j])
	}
	if l.two {
		h := l.heads()
		l.line(out, cells[:accountColumn])
		fmt.Fprintf(out, "%s\n", l.t.dim(l.indent()+fit(l.rest(h[:]), l.room())))
		return
	}
	l.line(out, cells[:])
}

func (l *layout) row(out *bufio.Writer, c *cause) {
	raw := l.cells(c)
	cells := l.fitted(raw, c.file)
	cells[severityColumn] = l.t.paint(c.severity, cells[severityColumn])
	if !l.two {
		l.line(out, cells[:])
		return
	}
	l.line(out, cells[:accountColumn])
	if rest := l.rest(raw[:]); rest != "" {
		fmt.Fprintf(out, "%s\n", l.t.dim(l.indent()+strings.TrimRight(fit(rest, l.room()), " ")))
	}
}

func (l *layout) indent() string { return strings.Repeat(" ", l.widths[severityColumn]+len(gap)) }

// room is what the second line of a row has.
func (l *layout) room() int {
	return max(20, l.t.o.Width-l.widths[severityColumn]-len(gap))
}

// rest joins the cells of the second line: the time first, since it is never cut.
func (l *layout) rest(cells []string) string {
	var parts []string
	for _, j := range []int{timeColumn, accountColumn, actorColumn, targetColumn} {
		if cells[j] != "" {
			parts = append(parts, cells[j])
		}
	}
	return strings.Join(parts, gap)
}

func (l *layout) fitted(cells [columnCount]string, file bool) [columnCount]string {
	for j := range cells {
		switch {
		case j == countColumn: // a number stands at the right
			cells[j] = strings.Repeat(" ", max(0, l.widths[j]-columns(cells[j]))) + cells[j]
		case j == targetColumn && file:
			cells[j] = fitEnd(cells[j], l.widths[j])
		default:
			cells[j] = fit(cells[j], l.widths[j])
		}
	}
	return cells
}

func (l *layout) line(out *bufio.Writer, cells []string) {
	fmt.Fprintln(out, strings.TrimRight(strings.Join(cells, gap), " "))
}

func (l *layout) cells(c *cause) [columnCount]string {
	t, w := l.t, l.words
	severity := c.severity.String()
	if t.o.Japanese {
		severity = c.severity.Japanese()
	}
	title := c.rule.Title
	if t.o.Title != nil {
		title = t.o.Title(c.rule)
	}
	if c.overflow {
		title += " " + w.causes
	}
	if c.mode != "" {
		title += " [" + w.counted + "]"
	}
	return [columnCount]string{severity, Escape(title), strconv.Itoa(c.number()), Escape(c.account), Escape(c.actor), Escape(c.target), l.span(c.first, c.last)}
}

// span writes the first and the last time, the day once.
func (l *layout) span(first, last time.Time) string {
	if first.IsZero() {
		return ""
	}
	first, last = first.In(l.t.o.Location), last.In(l.t.o.Location)
	clock := time.TimeOnly
	if l.short {
		clock = "15:04"
	}
	switch sameDay := first.Format(time.DateOnly) == last.Format(time.DateOnly); {
	case sameDay && first.Format(clock) == last.Format(clock):
		return first.Format(time.DateOnly + " " + clock)
	case sameDay:
		return first.Format(time.DateOnly+" "+clock) + last.Format(" – "+clock)
	case l.short:
		return first.Format(time.DateOnly) + last.Format(" – "+time.DateOnly)
	default:
		return first.Format(time.DateOnly+" "+clock) + last.Format(" – "+time.DateOnly+" "+clock)
	}
}

// target is what makes a finding a cause of its own beside rule, account and actor: the
// values of its cause key, as `account rule name=value …` writes them.
func target(f *yagura.Finding) string {
	var out []string
	actor, address := f.Event.Actor, ofAddress(f)
	for _, part := range causeParts(f.CauseKey) {
		if part.name == "" || part.name == "actor" || part.value == "" {
			continue // the first two parts, account and rule, have no name
		}
		if part.value == actor.ID || part.value == actor.Name || part.value == actor.SessionOf ||
			address && part.value == f.Event.SrcIP {
			continue
		}
		out = append(out, lastPart(part.value))
	}
	return strings.Join(out, ", ")
}

type causePart struct{ name, value string }

// causeParts takes a cause key apart. A part may be quoted as in Go, and a long one
// may have been cut inside its quotes.
func causeParts(key string) []causePart {
	var out []causePart
	for key != "" {
		var p causePart
		p.value, key = causeWord(key, " =")
		if strings.HasPrefix(key, "=") {
			p.name = p.value
			p.value, key = causeWord(key[1:], " ")
		}
		out = append(out, p)
		key = strings.TrimPrefix(key, " ")
	}
	return out
}

func causeWord(s, ends string) (word, rest string) {
	if strings.HasPrefix(s, `"`) {
		if q, err := strconv.QuotedPrefix(s); err == nil {
			word, _ = strconv.Unquote(q)
			return word, s[len(q):]
		}
	}
	if i := strings.IndexAny(s, ends); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}
