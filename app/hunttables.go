package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/view"
	"github.com/yagura-sec/yagura/store"
)

// storeTables are findings and issues as tables of hunts: what a question needs of
// them is written into a file of the engine's scratch folder, one JSON row a line.
type storeTables struct {
	db      *store.DB // nil: they are empty
	scratch func() (string, error)
}

// maxStoreRows is how many rows of the store one question gets.
const maxStoreRows = 1_000_000

var findingColumns = []hunt.ExtraColumn{
	{Name: "time", Type: "datetime"}, {Name: "filed", Type: "datetime"}, {Name: "id", Type: "string"}, {Name: "issue", Type: "string"}, {Name: "cause_key", Type: "string"},
	{Name: "kind", Type: "string"}, {Name: "rule_id", Type: "string"}, {Name: "rule_title", Type: "string"}, {Name: "engine", Type: "string"}, {Name: "severity", Type: "string"},
	{Name: "severity_original", Type: "string"}, {Name: "format", Type: "string"}, {Name: "source", Type: "string"}, {Name: "account", Type: "string"}, {Name: "region", Type: "string"},
	{Name: "action", Type: "string"}, {Name: "actor_id", Type: "string"}, {Name: "actor_name", Type: "string"}, {Name: "src_ip", Type: "string"}, {Name: "outcome", Type: "string"},
	{Name: "event_id", Type: "string"}, {Name: "event_key", Type: "string"}, {Name: "output", Type: "string"}, {Name: "tags", Type: "dynamic"}, {Name: "events", Type: "dynamic"},
	{Name: "entities", Type: "dynamic"}, {Name: "why", Type: "dynamic"},
}

var issueColumns = []hunt.ExtraColumn{
	{Name: "updated", Type: "datetime"}, {Name: "opened", Type: "datetime"}, {Name: "closed", Type: "datetime"}, {Name: "acked", Type: "datetime"}, {Name: "first_seen", Type: "datetime"},
	{Name: "last_seen", Type: "datetime"}, {Name: "id", Type: "string"}, {Name: "cause_key", Type: "string"}, {Name: "kind", Type: "string"}, {Name: "title", Type: "string"},
	{Name: "severity", Type: "string"}, {Name: "status", Type: "string"}, {Name: "conclusion", Type: "string"}, {Name: "close_reason", Type: "string"}, {Name: "episode", Type: "long"},
	{Name: "count", Type: "long"}, {Name: "rule_id", Type: "string"}, {Name: "format", Type: "string"}, {Name: "account", Type: "string"}, {Name: "actor_id", Type: "string"},
	{Name: "assignee", Type: "string"}, {Name: "labels", Type: "dynamic"}, {Name: "entities", Type: "dynamic"},
}

var indicatorColumns = []hunt.ExtraColumn{
	{Name: "updated", Type: "datetime"}, {Name: "id", Type: "string"}, {Name: "type", Type: "string"}, {Name: "value", Type: "string"}, {Name: "source", Type: "string"},
	{Name: "confidence", Type: "long"}, {Name: "valid_from", Type: "datetime"}, {Name: "valid_until", Type: "datetime"}, {Name: "labels", Type: "dynamic"},
}

// Tables implements hunt.Extra.
func (s storeTables) Tables(context.Context, time.Time) ([]hunt.ExtraTable, error) {
	return []hunt.ExtraTable{
		{Name: "findings", Title: "what rules found, by the time it was judged", Columns: findingColumns, Time: "filed", Select: s.findings},
		{Name: "issues", Title: "issues that changed, by the time of the last change", Columns: issueColumns, Time: "updated", Select: s.issues},
		{Name: "indicators", Title: "threat intelligence: none is imported yet", Columns: indicatorColumns, Time: "updated",
			Select: func(context.Context, time.Time, time.Time, *view.Within) (string, error) {
				return emptyTable(indicatorColumns), nil
			}},
	}, nil
}

func emptyTable(columns []hunt.ExtraColumn) string {
	var sel []string
	for _, c := range columns {
		sel = append(sel, "CAST(NULL AS "+duckType(c.Type)+`) AS "`+c.Name+`"`)
	}
	return "SELECT " + strings.Join(sel, ", ") + " WHERE false"
}

func duckType(kql string) string {
	switch kql {
	case "datetime":
		return "TIMESTAMP"
	case "long":
		return "BIGINT"
	case "dynamic":
		return "JSON"
	}
	return "VARCHAR"
}

// write puts rows into a file and returns the SELECT over it.
func (s storeTables) write(name string, columns []hunt.ExtraColumn, rows func(add func(map[string]any) error) error) (sql string, err error) {
	dir, err := s.scratch()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, name+"-*.jsonl")
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	n := 0
	err = rows(func(row map[string]any) error {
		if n++; n > maxStoreRows {
			return fmt.Errorf("more than %d rows (hint: take a shorter time range)", maxStoreRows)
		}
		return enc.Encode(row)
	})
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return "", err
	}
	var types, sel []string
	for _, c := range columns {
		types = append(types, "'"+c.Name+"': '"+duckType(c.Type)+"'")
		if c.Type == "string" {
			sel = append(sel, `coalesce("`+c.Name+`", '') AS "`+c.Name+`"`)
		} else {
			sel = append(sel, `"`+c.Name+`"`)
		}
	}
	return "SELECT " + strings.Join(sel, ", ") + " FROM read_json('" + strings.ReplaceAll(f.Name(), "'", "''") +
		"', format = 'newline_delimited', maximum_object_size = 67108864, columns = {" + strings.Join(types, ", ") + "})", nil
}

// when is a time as the engine reads it; nil for none.
func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02 15:04:05.999999")
}

func (s storeTables) findings(ctx context.Context, from, to time.Time, within *view.Within) (string, error) {
	if s.db == nil {
		return emptyTable(findingColumns), nil
	}
	return s.write("findings", findingColumns, func(add func(map[string]any) error) error {
		after := ""
		for {
			var page []yagura.Filed
			err := s.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				page, after, err = tx.FindingsBetween(ctx, from, to, after, 1000)
				return err
			})
			if err != nil {
				return err
			}
			for i := range page {
				f := &page[i].Finding
				if !within.Holds(f.Event.Account, f.Format) {
					continue
				}
				err := add(map[string]any{"time": when(f.Time), "id": f.ID, "cause_key": f.CauseKey, "kind": f.Kind, "rule_id": f.Rule.ID, "rule_title": f.Rule.Title,
					"engine": f.Rule.Engine, "severity": page[i].Severity, "severity_original": f.SeverityOriginal, "format": f.Format, "source": f.Source, "account": f.Event.Account,
					"region": f.Event.Region, "action": f.Event.Action, "actor_id": f.Event.Actor.ID, "actor_name": f.Event.Actor.Name, "src_ip": f.Event.SrcIP, "outcome": f.Event.Outcome,
					"event_id": f.Event.ID, "event_key": f.Event.Key, "output": f.Output, "tags": f.Rule.Tags, "events": f.Events, "entities": f.Entities, "why": f.Why,
					"issue": page[i].IssueID, "filed": when(page[i].Seen)})
				if err != nil {
					return err
				}
			}
			if after == "" {
				return nil
			}
		}
	})
}

func (s storeTables) issues(ctx context.Context, from, to time.Time, within *view.Within) (string, error) {
	if s.db == nil {
		return emptyTable(issueColumns), nil
	}
	return s.write("issues", issueColumns, func(add func(map[string]any) error) error {
		return eachPage(ctx, s.db, issuesThat(updatedSince(from)), func(page []yagura.Issue) error {
			for i := range page {
				x := &page[i]
				if x.Updated.Before(from) || !x.Updated.Before(to) || !within.Holds(x.Account, x.Format) {
					continue
				}
				err := add(map[string]any{"updated": when(x.Updated), "opened": when(x.Opened), "closed": when(x.Closed), "acked": when(x.Acked), "first_seen": when(x.FirstSeen),
					"last_seen": when(x.LastSeen), "id": x.ID, "cause_key": x.CauseKey, "kind": x.Kind, "title": x.Title, "severity": x.Severity, "status": x.Status, "conclusion": x.Conclusion,
					"close_reason": x.CloseReason, "episode": x.Episode, "count": x.Count, "rule_id": x.Rule.ID, "format": x.Format, "account": x.Account, "actor_id": x.Actor.ID,
					"assignee": x.Assignee, "labels": x.Labels, "entities": x.Entities})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}
