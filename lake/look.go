package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/column"
)

// Row is one row of the lake: what the head says of a record, and the record.
type Row struct {
	Row    int64
	Number int64 // of the record in its object
	Size   int64 // of the record as it was received
	Object string
	Event  yagura.Event // without Entities, File, Offset and Content
	// Raw is the record as it was received; nil where retention took it and left the header.
	Raw []byte
}

// Look returns the rows of a file whose records have a key, with all that their heads say. A
// file without any costs two columns of its head; of one with some, the records are read up to
// the last.
func (r *Reader) Look(ctx context.Context, f File, key yagura.Key) ([]Row, error) {
	out, err := r.look(ctx, &f, key)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	left := len(out)
	err = r.Raw(ctx, &f, func(row int64, raw []byte) error {
		i := slices.IndexFunc(out, func(x Row) bool { return x.Row == row })
		if i < 0 {
			return nil
		}
		if len(raw) > 0 {
			out[i].Raw = slices.Clone(raw)
			out[i].Event.Raw = out[i].Raw
		}
		if left--; left == 0 {
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return out, err
}

func (r *Reader) look(ctx context.Context, f *File, key yagura.Key) (out []Row, err error) {
	t, err := r.open(ctx, f.Head, f.HeadSum)
	if err != nil {
		return nil, err
	}
	defer t.Close() //nolint:errcheck // it is only read
	keys := column.New(column.Spec{Kind: column.UUID})
	for g := range t.file.RowGroups() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		keys.Reset()
		if err := t.read(g, "key", keys); err != nil {
			return nil, err
		}
		var at []int
		for i, k := range keys.Keys {
			if yagura.Key(k) == key {
				at = append(at, i)
			}
		}
		if len(at) == 0 {
			continue
		}
		rows, err := t.rows(g, at)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// rows reads rows of a row group whole.
func (t *table) rows(group int, at []int) ([]Row, error) {
	specs := HeadColumns()
	var own []string
	for _, name := range t.file.Schema().Columns() {
		if len(name) == 1 && !slices.ContainsFunc(specs, func(s column.Spec) bool { return s.Name == name[0] }) {
			own = append(own, name[0])
			specs = append(specs, column.Spec{Name: name[0]})
		}
	}
	b := make([]*column.Buffer, len(specs))
	for i, s := range specs {
		b[i] = column.New(s)
		if err := t.read(group, s.Name, b[i]); err != nil {
			return nil, err
		}
		if n := b[i].Len(); n <= at[len(at)-1] {
			return nil, fmt.Errorf("lake: %s: its columns are of different lengths", t.name)
		}
	}
	out := make([]Row, 0, len(at))
	for _, i := range at {
		text := func(c int) string { return string(b[c].Text.At(i)) }
		x := Row{Row: b[hRow].Ints[i], Number: b[hNumber].Ints[i], Size: b[hSize].Ints[i], Object: text(hObject)}
		x.Event = yagura.Event{V: 1, ID: text(hID), Key: yagura.Key(b[hKey].Keys[i]), Format: text(hFormat), Source: text(hSource), Time: timeOf(b[hTime].Ints[i]),
			Seen: timeOf(b[hSeen].Ints[i]), Account: text(hAccount), Region: text(hRegion), Action: text(hAction), SrcIP: text(hSrcIP), Outcome: text(hOutcome),
			Actor:  yagura.Actor{Type: text(hActorType), ID: text(hActorID), Name: text(hActorName), SessionOf: text(hSessionOf)},
			Detail: yagura.Detail{Service: text(hService), UserAgent: text(hUserAgent), AccessKey: text(hAccessKey), Error: text(hError)}}
		if list := b[hTargets].Text.At(i); len(list) > 0 {
			if err := json.Unmarshal(list, &x.Event.Targets); err != nil {
				return nil, fmt.Errorf("lake: %s: row %d: targets: %w", t.name, x.Row, err)
			}
		}
		for j, name := range own {
			x.Event.Detail.More = append(x.Event.Detail.More, yagura.Column{Name: name, Value: text(headColumns + j)})
		}
		out = append(out, x)
	}
	return out, nil
}

// Around is the filter of the files that may have an event of a time; the zero time is that of
// events that do not say theirs.
func Around(at time.Time, formats ...string) Filter {
	if at.IsZero() {
		return Filter{Formats: formats, Day: Unknown}
	}
	return Filter{Formats: formats, From: at, To: at.Add(time.Millisecond)}
}
