package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// EventColumns are the columns that hold the native id of the event that a row is about.
var EventColumns = []string{"_ItemId", "AwsEventId", "EventDataId", "InsertId", "insertId", "event_id", "id", "Id"}

// vague are those that name other things too: they count where the row has the event's time.
var vague = []string{"id", "Id"}

// accountColumns hold the account of a row, actionColumns what was done, and so on.
var (
	accountColumns = []string{"RecipientAccountId", "UserIdentityAccountId", "AccountId", "SubscriptionId", "ProjectId", "account", "AADTenantId", "TenantId"}
	regionColumns  = []string{"AWSRegion", "Region", "region", "Location"}
	actionColumns  = []string{"EventName", "OperationName", "OperationNameValue", "MethodName", "Operation", "action"}
	addressColumns = []string{"SourceIpAddress", "IPAddress", "CallerIpAddress", "ClientIP", "src_ip"}
)

// row is one row of a window with its columns by name.
type row struct {
	columns map[string]int
	head    []Column
	values  []any
	content string // everything, in one text
}

func newRows(rows *Rows) []*row {
	columns := make(map[string]int, len(rows.Columns))
	for i, c := range rows.Columns {
		if _, ok := columns[c.Name]; !ok {
			columns[c.Name] = i
		}
	}
	out := make([]*row, len(rows.Values))
	for i, v := range rows.Values {
		r := &row{columns: columns, head: rows.Columns, values: v}
		var b strings.Builder
		for j := range v {
			s := r.text(j)
			b.Write(binary.AppendUvarint(nil, uint64(len(s))))
			b.WriteString(s)
		}
		r.content = b.String()
		out[i] = r
	}
	slices.SortFunc(out, func(a, b *row) int { return strings.Compare(a.content, b.content) })
	return out
}

func (r *row) text(i int) string {
	if i >= len(r.head) {
		return ""
	}
	return text(r.values[i], r.head[i].Type)
}

// column returns the text of a column; ok is false when there is none of that name.
func (r *row) column(name string) (string, bool) {
	i, ok := r.columns[name]
	if !ok || i >= len(r.values) {
		return "", false
	}
	return r.text(i), true
}

func (r *row) members(name string) []string {
	i, ok := r.columns[name]
	if !ok || i >= len(r.values) {
		return nil
	}
	return members(r.values[i], r.head[i].Type)
}

// one returns the first of some columns that has a value.
func (r *row) one(names []string) string {
	for _, n := range names {
		if s, _ := r.column(n); s != "" {
			return s
		}
	}
	return ""
}

// event is the native id of the one event that the row is about, "" when it is about none or
// several.
func (r *row) event() string {
	for _, n := range EventColumns {
		i, ok := r.columns[n]
		if !ok || i >= len(r.values) || r.head[i].Type == "dynamic" || slices.Contains(vague, n) && !r.timed() {
			continue
		}
		if s := r.text(i); s != "" {
			return s
		}
	}
	return ""
}

func (r *row) timed() bool {
	_, a := r.columns["TimeGenerated"]
	_, b := r.columns["time"]
	return a || b
}

// events are the native ids that the row names: its own, and those of a list that make_set or
// make_list made of a column of ids.
func (r *row) events() (out []string) {
	if id := r.event(); id != "" {
		out = append(out, id)
	}
	for _, n := range EventColumns {
		for _, name := range []string{n, n + "s", "set_" + n, "list_" + n} {
			if i, ok := r.columns[name]; ok && i < len(r.head) && r.head[i].Type == "dynamic" {
				out = append(out, r.members(name)...)
			}
		}
	}
	return out
}

// stable is the part of a row that a late event does not change: its texts.
func (r *row) stable() string {
	var b strings.Builder
	for i, c := range r.head {
		if i < len(r.values) && (c.Type == "string" || c.Type == "guid" || c.Type == "bool") {
			s := r.text(i)
			b.Write(binary.AppendUvarint(nil, uint64(len(s))))
			b.WriteString(s)
		}
	}
	return b.String()
}

// latest is the latest time in the row that lies in the window: when it happened.
func (r *row) latest(w Window) (at time.Time) {
	for i, v := range r.values {
		if t, ok := v.(time.Time); ok && i < len(r.head) && !t.Before(w.From) && t.Before(w.To) && t.After(at) {
			at = t.UTC()
		}
	}
	return at
}

// digest hashes texts, each with its length.
func digest(parts ...string) [16]byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.AppendUvarint(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	var out [16]byte
	copy(out[:], h.Sum(nil))
	return out
}
