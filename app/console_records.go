package app

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/lake"
	"github.com/yagura-sec/yagura/store"
)

// The bounds of a search for records.
const (
	windowBack   = 25 * time.Hour // of the events of a correlation before its last
	mostFiles    = 200
	mostOfWindow = 100
)

// record is a record of the lake that a finding is about.
type record struct {
	Entry lake.Entry
	Raw   []byte
}

// reader opens the lake.
func (c *console) reader(ctx context.Context) (lake.Catalogue, *lake.Reader, error) {
	if c.serve != nil && c.serve.lake != nil {
		return c.serve.lake.Catalogue(), c.serve.lake.Reader(), nil
	}
	cat, blobs, err := LakeCatalogue(ctx, c.cfg, c.db, false)
	if err != nil {
		return nil, nil, err
	}
	return cat, lake.NewReader(cat, blobs), nil
}

// recordsOf looks the events of a finding up in the lake, the one that it names first. The
// others of a window may be of other accounts: who sees a part alone gets the first.
func (c *console) recordsOf(ctx context.Context, reach api.Reach, f *yagura.Finding) ([]record, error) {
	if f.Event.Key == (yagura.Key{}) || f.Event.Time.IsZero() && f.Format == "" {
		return nil, nil // it is about no event
	}
	cat, reader, err := c.reader(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, id := range f.Events[:min(len(f.Events), mostOfWindow)] {
		if reach.All && id != "" && id != f.Event.ID {
			ids[id] = true
		}
	}
	filter := lake.Filter{From: f.Event.Time, To: f.Event.Time.Add(time.Millisecond)}
	if f.Format != "" {
		filter.Formats = []string{f.Format}
	}
	if len(ids) > 0 {
		filter.From = f.Event.Time.Add(-windowBack)
	}
	if f.Event.Time.IsZero() {
		filter.From, filter.To, filter.Day = time.Time{}, time.Time{}, lake.Unknown
	}
	files, err := cat.Files(ctx, filter)
	if err != nil {
		return nil, err
	}
	slices.Reverse(files) // what a finding names is mostly in the newest
	var out []record
	seen := map[yagura.Key]bool{}
	for _, file := range files[:min(len(files), mostFiles)] {
		for e, err := range reader.Find(ctx, file, func(key yagura.Key, id []byte) bool {
			return key == f.Event.Key || len(ids) > 0 && ids[string(id)]
		}) {
			if err != nil {
				return out, err
			}
			if seen[e.Key] {
				continue
			}
			seen[e.Key] = true
			own := record{Entry: *e, Raw: slices.Clone(e.Raw)}
			if e.Key == f.Event.Key {
				out = slices.Insert(out, 0, own)
			} else {
				out = append(out, own)
			}
		}
		if seen[f.Event.Key] && len(out) > len(ids) {
			break
		}
	}
	return out, nil
}

// matches are the raw events of a finding, as they are shown.
func (c *console) matches(ctx context.Context, reach api.Reach, f *yagura.Finding) ([]api.EventMatch, error) {
	records, err := c.recordsOf(ctx, reach, f)
	if err != nil {
		return nil, err
	}
	var out []api.EventMatch
	for _, r := range records {
		m := api.EventMatch{FindingID: f.ID, Format: r.Entry.Format, Source: r.Entry.Source, Object: r.Entry.Object, Record: r.Entry.Number, Seen: r.Entry.Seen,
			Event: yagura.EventRef{ID: r.Entry.ID, Key: r.Entry.Key, Time: r.Entry.Time}, Raw: string(r.Raw)}
		if r.Entry.Key == f.Event.Key {
			m.Event, m.Clauses = f.Event, clausesIn(r.Entry.Format, r.Raw, f.Why)
		}
		out = append(out, m)
	}
	if len(out) == 0 || out[0].Event.Key != f.Event.Key {
		m := api.EventMatch{FindingID: f.ID, Format: f.Format, Source: f.Source, Event: f.Event, Missing: c.missing(f)}
		for _, w := range f.Why {
			m.Clauses = append(m.Clauses, api.Clause{Why: w})
		}
		out = slices.Insert(out, 0, m)
	}
	return out, nil
}

// missing says why a record is not in the lake.
func (c *console) missing(f *yagura.Finding) string {
	if f.Event.Key == (yagura.Key{}) {
		return "no_event"
	}
	return "not_in_lake"
}

// mostFindingsWithEvents is how many findings of a page bring their records.
const mostFindingsWithEvents = 20

// IssueEvents returns the raw events of an issue's findings; the cursor is that of findings.
func (c *console) IssueEvents(ctx context.Context, reach api.Reach, id string, ask api.Ask) (*api.List[api.EventMatch], error) {
	ask.Limit = min(ask.Limit, mostFindingsWithEvents)
	findings, err := c.IssueFindings(ctx, reach, id, ask)
	if err != nil {
		return nil, err
	}
	out := &api.List[api.EventMatch]{Next: findings.Next}
	for i := range findings.Items {
		list, err := c.matches(ctx, reach, &findings.Items[i].Finding)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, list...)
	}
	return out, nil
}

// Finding returns one finding within reach.
func (c *console) Finding(ctx context.Context, reach api.Reach, id string) (*api.FindingRow, error) {
	var out api.FindingRow
	err := c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		f, err := tx.Finding(ctx, id)
		if err == nil && !c.holds(reach, f.Finding.Event.Account, f.Finding.Format) {
			err = store.ErrNotFound
		}
		out = c.findingOf(f)
		return err
	})
	return &out, err
}

// FindingEvents returns the raw events of a finding.
func (c *console) FindingEvents(ctx context.Context, reach api.Reach, id string) ([]api.EventMatch, error) {
	f, err := c.Finding(ctx, reach, id)
	if err != nil {
		return nil, err
	}
	return c.matches(ctx, reach, &f.Finding)
}

// evidenceFile is a file of an archive, as its manifest names it.
type evidenceFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Rows   int    `json:"rows,omitempty"`
}

// evidenceEvent is a line of events.jsonl: the record as it was received, and where from.
type evidenceEvent struct {
	Finding string    `json:"finding"`
	Key     string    `json:"key"`
	ID      string    `json:"id,omitempty"`
	Format  string    `json:"format"`
	Source  string    `json:"source"`
	Object  string    `json:"object"`
	Record  int64     `json:"record"`
	Time    time.Time `json:"time,omitzero"`
	Seen    time.Time `json:"seen,omitzero"`
	SHA256  string    `json:"sha256"`               // of the record's bytes
	Raw     string    `json:"raw,omitempty"`        // exactly as received
	Bytes   []byte    `json:"raw_base64,omitempty"` // the same, where it is no UTF-8
	Missing string    `json:"missing,omitempty"`    // why there is no record
}

// Evidence writes everything that is known of an issue as a zip archive, with a manifest of
// check sums that comes last.
func (c *console) Evidence(ctx context.Context, reach api.Reach, id string, w io.Writer) error {
	page, err := c.Issue(ctx, reach, id)
	if err != nil {
		return err
	}
	a := &archive{zip: zip.NewWriter(w), at: c.now().UTC()}
	if err := a.add("issue.json", func(enc *json.Encoder) error { return enc.Encode(page) }); err != nil {
		return err
	}
	all := api.Ask{Limit: 1000}
	if err := pages(a, "timeline.jsonl", func(after string) (*api.List[yagura.Entry], error) {
		all.After = after
		return c.Timeline(ctx, reach, id, all)
	}, nil); err != nil {
		return err
	}
	var findings []api.FindingRow
	if err := pages(a, "findings.jsonl", func(after string) (*api.List[api.FindingRow], error) {
		all.After = after
		return c.IssueFindings(ctx, reach, id, all)
	}, &findings); err != nil {
		return err
	}
	if err := pages(a, "notices.jsonl", func(after string) (*api.List[api.Notice], error) {
		all.After = after
		return c.IssueNotices(ctx, reach, id, all)
	}, nil); err != nil {
		return err
	}
	cut := len(findings) > mostEvidence
	if err := a.add("events.jsonl", func(enc *json.Encoder) error {
		for i := range findings[:min(len(findings), mostEvidence)] {
			if err := c.evidenceOf(ctx, reach, &findings[i].Finding, enc); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	manifest := map[string]any{"v": 1, "issue": id, "made": a.at, "version": c.version, "tenant": c.cfg.Tenant, "files": a.files}
	if cut {
		manifest["cut"] = fmt.Sprintf("events.jsonl has the events of the first %d of %d findings", mostEvidence, len(findings))
	}
	if err := a.add("manifest.json", func(enc *json.Encoder) error { enc.SetIndent("", " "); return enc.Encode(manifest) }); err != nil {
		return err
	}
	return a.zip.Close()
}

// mostEvidence is how many findings of an issue bring their events into an archive.
const mostEvidence = 1000

func (c *console) evidenceOf(ctx context.Context, reach api.Reach, f *yagura.Finding, enc *json.Encoder) error {
	records, err := c.recordsOf(ctx, reach, f)
	if err != nil {
		return err
	}
	for _, r := range records {
		e := evidenceEvent{Finding: f.ID, Key: r.Entry.Key.String(), ID: r.Entry.ID, Format: r.Entry.Format, Source: r.Entry.Source, Object: r.Entry.Object,
			Record: r.Entry.Number, Time: r.Entry.Time, Seen: r.Entry.Seen, SHA256: sumText(r.Raw)}
		if utf8.Valid(r.Raw) {
			e.Raw = string(r.Raw)
		} else {
			e.Bytes = r.Raw
		}
		if err := enc.Encode(&e); err != nil {
			return err
		}
	}
	if len(records) == 0 || records[0].Entry.Key != f.Event.Key {
		return enc.Encode(&evidenceEvent{Finding: f.ID, Key: f.Event.Key.String(), ID: f.Event.ID, Format: f.Format, Source: f.Source, Time: f.Event.Time, Missing: c.missing(f)})
	}
	return nil
}

func sumText(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// archive writes files with their check sums.
type archive struct {
	zip   *zip.Writer
	at    time.Time
	files []evidenceFile
	rows  int
}

func (a *archive) add(name string, write func(enc *json.Encoder) error) error {
	f, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.at})
	if err != nil {
		return err
	}
	h := sha256.New()
	n := &counting{w: io.MultiWriter(f, h)}
	enc := json.NewEncoder(n)
	enc.SetEscapeHTML(false)
	if err := write(enc); err != nil {
		return err
	}
	a.files = append(a.files, evidenceFile{Name: name, Size: n.n, SHA256: hex.EncodeToString(h.Sum(nil)), Rows: a.rows})
	a.rows = 0
	return nil
}

type counting struct {
	w io.Writer
	n int64
}

// Write counts.
func (c *counting) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// pages writes the items of all pages of a list, a line each, and keeps them where they are
// wanted.
func pages[T any](a *archive, name string, page func(after string) (*api.List[T], error), keep *[]T) error {
	return a.add(name, func(enc *json.Encoder) error {
		for after := ""; ; {
			list, err := page(after)
			if err != nil {
				return err
			}
			for i := range list.Items {
				a.rows++
				if err := enc.Encode(&list.Items[i]); err != nil {
					return err
				}
			}
			if keep != nil {
				*keep = append(*keep, list.Items...)
			}
			if after = list.Next; after == "" {
				return nil
			}
		}
	})
}
