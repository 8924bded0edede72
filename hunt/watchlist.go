package hunt

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/lake/view"
)

// Watchlist says what a watchlist is. Its rows stand in a file beside.
type Watchlist struct {
	Name     string    `json:"name"`
	Key      string    `json:"key"` // the column that is looked up
	Columns  []string  `json:"columns"`
	Rows     int       `json:"rows"`
	Origin   string    `json:"origin"` // the name of the file it came from
	Imported time.Time `json:"imported"`
	Expires  time.Time `json:"expires,omitzero"` // from then on it has no rows
	// Addresses are those that externaldata of KQL names and that this list stands for.
	Addresses []string `json:"addresses,omitempty"`
}

// Limits of a watchlist.
const (
	maxWatchBytes   = 64 << 20
	maxWatchRows    = 1_000_000
	maxWatchColumns = 200
	maxWatchlists   = 1000
)

// Watchlists are the watchlists of a folder: <name>.json says what it is,
// <name>.jsonl has its rows. They are an Extra.
type Watchlists struct{ Dir string }

// List lists them by name, those that have expired too.
func (w Watchlists) List() ([]Watchlist, error) {
	entries, err := os.ReadDir(w.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("watchlists: %w", err)
	}
	var out []Watchlist
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || e.IsDir() || CheckName(name) != nil {
			continue
		}
		if len(out) >= maxWatchlists {
			return nil, fmt.Errorf("watchlists: more than %d in %s", maxWatchlists, w.Dir)
		}
		data, err := os.ReadFile(filepath.Join(w.Dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("watchlists: %w", err)
		}
		var l Watchlist
		if err := json.Unmarshal(data, &l); err != nil {
			return nil, fmt.Errorf("watchlist %s: %s: %w (hint: import it again)", name, e.Name(), err)
		}
		l.Name = name
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Watchlist) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// WatchlistName is the name of a watchlist for the alias that a query says: Sentinel's
// aliases have capitals and underscores, the names here have small letters and hyphens.
func WatchlistName(alias string) string {
	return strings.ReplaceAll(strings.ToLower(alias), "_", "-")
}

// Import reads a watchlist from CSV (with a line of names) or JSON (an array of
// objects, or an object on each line) and puts it in the place of one of the same
// name. Without a key the first column is it. Where l has columns already the CSV has no line
// of names; with one column each line is a value as it stands.
func (w Watchlists) Import(l Watchlist, from io.Reader) (Watchlist, error) {
	l.Name = WatchlistName(l.Name)
	if err := CheckName(l.Name); err != nil {
		return l, err
	}
	data, err := io.ReadAll(io.LimitReader(from, maxWatchBytes+1))
	if err != nil {
		return l, fmt.Errorf("watchlist %s: %w", l.Name, err)
	}
	if len(data) > maxWatchBytes {
		return l, fmt.Errorf("watchlist %s: more than %d MB", l.Name, maxWatchBytes>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return l, fmt.Errorf("watchlist %s: it is not UTF-8", l.Name)
	}
	var rows []map[string]string
	t := bytes.TrimSpace(data)
	switch {
	case len(l.Columns) == 1:
		rows, err = readLines(data, l.Columns[0])
	case len(l.Columns) == 0 && len(t) > 0 && (t[0] == '[' || t[0] == '{'):
		l.Columns, rows, err = readJSON(t)
	default:
		l.Columns, rows, err = readCSV(data, l.Columns)
	}
	if err != nil {
		return l, fmt.Errorf("watchlist %s: %s:%w", l.Name, l.Origin, err)
	}
	if len(l.Columns) == 0 || len(l.Columns) > maxWatchColumns {
		return l, fmt.Errorf("watchlist %s: %d columns (hint: between 1 and %d, named in the first line)", l.Name, len(l.Columns), maxWatchColumns)
	}
	if l.Key == "" {
		l.Key = l.Columns[0]
	}
	i := slices.IndexFunc(l.Columns, func(c string) bool { return strings.EqualFold(c, l.Key) })
	if i < 0 {
		return l, fmt.Errorf("watchlist %s: there is no column %s (hint: --key is one of %s)", l.Name, l.Key, strings.Join(l.Columns, ", "))
	}
	l.Key, l.Rows = l.Columns[i], len(rows)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, row := range rows {
		if err := enc.Encode(row); err != nil {
			return l, fmt.Errorf("watchlist %s: %w", l.Name, err)
		}
	}
	meta, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return l, err
	}
	// The rows first: a description without rows would be a table that cannot be read.
	if err := replaceFile(filepath.Join(w.Dir, l.Name+".jsonl"), b.Bytes()); err != nil {
		return l, fmt.Errorf("watchlist %s: %w", l.Name, err)
	}
	return l, replaceFile(filepath.Join(w.Dir, l.Name+".json"), meta)
}

// Delete removes one.
func (w Watchlists) Delete(name string) error {
	name = WatchlistName(name)
	if err := CheckName(name); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(w.Dir, name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no watchlist %s (hint: yagura watchlist list)", name)
	}
	if err != nil {
		return fmt.Errorf("watchlist %s: %w", name, err)
	}
	if err := os.Remove(filepath.Join(w.Dir, name+".jsonl")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("watchlist %s: %w", name, err)
	}
	return nil
}

// readLines reads a list of one column without a line of names.
func readLines(data []byte, name string) (rows []map[string]string, err error) {
	if strings.TrimSpace(name) == "" {
		return nil, errors.New("1:1: the column has no name")
	}
	for line := range bytes.Lines(data) {
		if len(rows) >= maxWatchRows {
			return nil, fmt.Errorf("%d:1: more than %d rows", len(rows)+1, maxWatchRows)
		}
		rows = append(rows, map[string]string{name: string(bytes.TrimRight(line, "\r\n"))})
	}
	return rows, nil
}

// readCSV reads rows with the names given, or with those of the first line where there are none.
func readCSV(data []byte, names []string) ([]string, []map[string]string, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.LazyQuotes = false
	if len(names) == 0 {
		var err error
		names, err = r.Read()
		if err == io.EOF {
			return nil, nil, errors.New("1:1: the file is empty")
		}
		if err != nil {
			return nil, nil, csvPlace(err)
		}
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
		if names[i] == "" {
			return nil, nil, fmt.Errorf("1:1: column %d has no name", i+1)
		}
		if slices.ContainsFunc(names[:i], func(o string) bool { return strings.EqualFold(o, names[i]) }) {
			return nil, nil, fmt.Errorf("1:1: two columns are named %s", names[i])
		}
	}
	r.FieldsPerRecord = len(names)
	var rows []map[string]string
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return names, rows, nil
		}
		if err != nil {
			return nil, nil, csvPlace(err)
		}
		if len(rows) >= maxWatchRows {
			return nil, nil, fmt.Errorf("%d:1: more than %d rows", len(rows)+1, maxWatchRows)
		}
		row := make(map[string]string, len(names))
		for i, v := range rec {
			row[names[i]] = v
		}
		rows = append(rows, row)
	}
}

func csvPlace(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%d:%d: %w", p.Line, max(p.Column, 1), p.Err)
	}
	return err
}

func readJSON(data []byte) (names []string, rows []map[string]string, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if data[0] == '[' {
		if _, err := dec.Token(); err != nil {
			return nil, nil, err
		}
	}
	for dec.More() {
		if len(rows) >= maxWatchRows {
			return nil, nil, fmt.Errorf("1:1: more than %d rows", maxWatchRows)
		}
		var object map[string]any
		at := dec.InputOffset()
		if err := dec.Decode(&object); err != nil {
			line := 1 + bytes.Count(data[:min(int(at), len(data))], []byte("\n"))
			return nil, nil, fmt.Errorf("%d:1: row %d: %w", line, len(rows)+1, err)
		}
		row := make(map[string]string, len(object))
		for _, name := range sortedKeys(object) {
			if !slices.Contains(names, name) {
				if len(names) >= maxWatchColumns {
					return nil, nil, fmt.Errorf("1:1: more than %d columns", maxWatchColumns)
				}
				if slices.ContainsFunc(names, func(o string) bool { return strings.EqualFold(o, name) }) {
					return nil, nil, fmt.Errorf("1:1: row %d: two columns are named %s", len(rows)+1, name)
				}
				names = append(names, name)
			}
			switch v := object[name].(type) {
			case nil:
			case string:
				row[name] = v
			case json.Number:
				row[name] = v.String()
			default:
				text, err := json.Marshal(v)
				if err != nil {
					return nil, nil, err
				}
				row[name] = string(text)
			}
		}
		rows = append(rows, row)
	}
	return names, rows, nil
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Tables are the watchlists as tables: their columns, SearchKey with the key's
// value, and when it was imported. One that has expired is there and empty.
func (w Watchlists) Tables(_ context.Context, now time.Time) ([]ExtraTable, error) {
	list, err := w.List()
	if err != nil {
		return nil, err
	}
	var out []ExtraTable
	for _, l := range list {
		t := ExtraTable{Name: "watchlist_" + strings.ReplaceAll(l.Name, "-", "_"), KQL: "_GetWatchlist('" + l.Name + "')", Title: "the watchlist " + l.Name,
			Addresses: l.Addresses, Listed: l.Columns}
		t.Columns = append(t.Columns, ExtraColumn{"SearchKey", "string"}, ExtraColumn{"LastUpdatedTimeUTC", "datetime"})
		sel := []string{`coalesce(` + ident(l.Key) + `, '') AS "SearchKey"`, "TIMESTAMP '" + l.Imported.UTC().Format("2006-01-02 15:04:05") + `' AS "LastUpdatedTimeUTC"`}
		var types []string
		for _, c := range l.Columns {
			types = append(types, quote(c)+": 'VARCHAR'")
			if strings.EqualFold(c, "SearchKey") || strings.EqualFold(c, "LastUpdatedTimeUTC") {
				continue
			}
			t.Columns = append(t.Columns, ExtraColumn{c, "string"})
			sel = append(sel, "coalesce("+ident(c)+", '') AS "+ident(c))
		}
		where := ""
		if !l.Expires.IsZero() && !now.Before(l.Expires) {
			where = " WHERE false"
		}
		path, err := filepath.Abs(filepath.Join(w.Dir, l.Name+".jsonl"))
		if err != nil {
			return nil, err
		}
		sql := "SELECT " + strings.Join(sel, ", ") + " FROM read_json(" + quote(path) + ", format = 'newline_delimited', columns = {" + strings.Join(types, ", ") + "}, maximum_object_size = 16777216)" + where
		t.Select = func(context.Context, time.Time, time.Time, *view.Within) (string, error) { return sql, nil }
		out = append(out, t)
	}
	return out, nil
}

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
