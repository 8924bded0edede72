package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/hunt"
	"github.com/yagura-sec/yagura/lake/duck"
	"github.com/yagura-sec/yagura/query/kql"
	"github.com/yagura-sec/yagura/store"
)

// The bounds of hunts that come over the API.
const (
	consoleMemory     = 512 << 20
	consoleThreads    = 2
	consoleTimeout    = time.Minute
	consoleAtOnce     = 4 // hunts that run, whoever asks
	consoleAtOnceEach = 2 // of one asker
	consoleRows       = 1000
	consoleMostRows   = 10_000
	consoleExportRows = 100_000
	consoleBytes      = 32 << 20 // of a result
	consoleText       = 64 << 10 // of a question
	historyKept       = 100
	historyText       = 4 << 10
)

// consoleHunts answers what the API asks of the lake.
type consoleHunts struct {
	s       *Serve
	hunting *Hunting
	checker *hunt.Hunter // over no file: it says what is wrong and reads nothing
	places  *semaphore.Weighted

	mu     sync.Mutex
	asking map[string]int // hunts that run, by who asked
}

var _ api.Hunts = (*consoleHunts)(nil)

// newConsoleHunts opens what hunts need; the engine starts with the first.
func newConsoleHunts(ctx context.Context, s *Serve) (*consoleHunts, error) {
	cfg := s.o.Config
	h, err := OpenHunting(ctx, cfg, &Books{DB: s.db, data: cfg.Data}, HuntOptions{Threads: consoleThreads, Memory: consoleMemory, Timeout: consoleTimeout}, s.o.Now)
	if err != nil {
		return nil, fmt.Errorf("hunts: %w", err)
	}
	checker := &hunt.Hunter{Engine: h.Engine, Lake: emptyLake{}, Now: s.o.Now}
	for _, x := range h.Extra {
		checker.Extra = append(checker.Extra, schemaOnly{x})
	}
	return &consoleHunts{s: s, hunting: h, checker: checker, places: semaphore.NewWeighted(consoleAtOnce), asking: map[string]int{}}, nil
}

func (c *consoleHunts) close() error {
	if c == nil {
		return nil
	}
	return c.hunting.Close()
}

// place waits until a hunt may run; done gives the place back.
func (c *consoleHunts) place(ctx context.Context, who string) (done func(), err error) {
	c.mu.Lock()
	if c.asking[who] >= consoleAtOnceEach {
		c.mu.Unlock()
		return nil, api.Refuse(api.CodeRateLimited, fmt.Sprintf("%d of your hunts are running", consoleAtOnceEach), fmt.Sprintf("実行中のハントが %d 件あります", consoleAtOnceEach)).
			Hinted("wait for one to end, or cancel it", "終わるまで待つか、中止してください")
	}
	c.asking[who]++
	c.mu.Unlock()
	leave := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.asking[who]--; c.asking[who] == 0 {
			delete(c.asking, who)
		}
	}
	if err := c.places.Acquire(ctx, 1); err != nil {
		leave()
		return nil, err
	}
	return func() { c.places.Release(1); leave() }, nil
}

// request makes the question of what was asked.
func (c *consoleHunts) request(ask api.HuntAsk) (hunt.Request, error) {
	r := hunt.Request{Text: ask.Text, From: ask.From, To: ask.To, Limit: cmp.Or(ask.Limit, consoleRows), MaxBytes: consoleBytes, Timeout: consoleTimeout}
	switch r.Language = hunt.Language(ask.Lang); r.Language {
	case "", hunt.SQL, hunt.KQL:
	default:
		return r, api.Refuse(api.CodeBadRequest, fmt.Sprintf("lang: %q is no language", ask.Lang), fmt.Sprintf("lang: %q という言語はありません", ask.Lang)).Hinted("kql or sql", "kql または sql")
	}
	if ask.Hunt != "" {
		if strings.TrimSpace(ask.Text) != "" {
			return r, api.Refuse(api.CodeBadRequest, "text and hunt: give one of them", "text と hunt はどちらか一方を指定してください")
		}
		s, err := SavedHunt(c.s.o.Config, ask.Hunt)
		if err != nil {
			return r, api.Refuse(api.CodeUnprocessable, err.Error(), err.Error())
		}
		if s == nil {
			return r, api.NotFound
		}
		if r.Params, err = s.Bind(ask.Params); err != nil {
			return r, api.Refuse(api.CodeBadRequest, err.Error(), err.Error())
		}
		r.Text, r.Language, r.Last = s.Query, s.Language, s.Range
	} else if len(ask.Params) > 0 {
		r.Params = map[string]any{}
		for k, v := range ask.Params {
			r.Params[k] = v
		}
	}
	if len(r.Text) > consoleText {
		return r, api.Refuse(api.CodeTooLarge, fmt.Sprintf("the question has more than %d bytes", consoleText), fmt.Sprintf("クエリが %d バイトを超えています", consoleText))
	}
	if r.Language == "" {
		r.Language = hunt.Guess(r.Text)
	}
	return r, nil
}

// Hunt implements [api.Hunts].
func (c *consoleHunts) Hunt(ctx context.Context, reach api.Reach, who string, ask api.HuntAsk) (*api.HuntResult, error) {
	if ask.Limit < 0 || ask.Limit > consoleMostRows {
		return nil, api.Refuse(api.CodeBadRequest, fmt.Sprintf("limit: %d is not from 1 to %d", ask.Limit, consoleMostRows), fmt.Sprintf("limit は 1 から %d までです", consoleMostRows))
	}
	r, err := c.request(ask)
	if err != nil {
		return nil, err
	}
	var out *api.HuntResult
	err = c.run(ctx, reach, who, r, func(res *hunt.Result) error {
		out, err = huntResult(res)
		return err
	}, func(s hunt.Stats) {
		out.Lang, out.Stats, out.Truncated = string(r.Language), huntStats(s, reach), s.Limit != ""
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ExportHunt implements [api.Hunts].
func (c *consoleHunts) ExportHunt(ctx context.Context, reach api.Reach, who string, ask api.HuntAsk, format string, w io.Writer) error {
	write := WriteHuntCSV
	switch format {
	case "csv":
	case "jsonl":
		write = WriteHuntJSONL
	default:
		return api.Refuse(api.CodeBadRequest, fmt.Sprintf("format: %q is no form of a file", format), fmt.Sprintf("format: %q という形式はありません", format)).Hinted("csv or jsonl", "csv または jsonl")
	}
	if ask.Limit < 0 || ask.Limit > consoleExportRows {
		return api.Refuse(api.CodeBadRequest, fmt.Sprintf("limit: %d is not from 1 to %d", ask.Limit, consoleExportRows), fmt.Sprintf("limit は 1 から %d までです", consoleExportRows))
	}
	ask.Limit = cmp.Or(ask.Limit, consoleExportRows)
	r, err := c.request(ask)
	if err != nil {
		return err
	}
	return c.run(ctx, reach, who, r, func(res *hunt.Result) error { return write(w, res) }, func(hunt.Stats) {})
}

// run asks a question within a reach, and notes it in the history of who asks.
func (c *consoleHunts) run(ctx context.Context, reach api.Reach, who string, r hunt.Request, read func(*hunt.Result) error, told func(hunt.Stats)) error {
	done, err := c.place(ctx, who)
	if err != nil {
		return err
	}
	defer done()
	r.Within = c.s.within(reach)
	past := api.HuntPast{At: c.s.o.Now().UTC(), Lang: string(r.Language), Text: r.Text[:min(len(r.Text), historyText)]}
	res, err := c.hunting.Run(ctx, r)
	if err == nil {
		if err = read(res); err == nil {
			err = res.Err()
		}
		s := res.Stats()
		past.Rows, past.MS = s.Rows, s.Time.Milliseconds()
		if err = errors.Join(err, res.Close()); err == nil {
			told(s)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err() // who asked is gone
	}
	if err = huntProblem(err); err != nil {
		past.Error = err.Error()
	}
	if noted := c.note(ctx, who, past); noted != nil {
		c.s.log.Warn("the history of hunts was not kept", "error", noted)
	}
	return err
}

// huntProblem says to who asked what is wrong with the question. Other errors are ours.
func huntProblem(err error) error {
	var e *hunt.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, hunt.ErrNoEngine), errors.Is(err, duck.ErrNoEngine):
		return api.Refuse(api.CodeUnavailable, "this program was built without the hunting engine", "このプログラムにはハント用エンジンが組み込まれていません")
	case !errors.As(err, &e):
		return err
	case e.Limit:
		return api.Refuse(api.CodeUnprocessable, e.Message, "クエリが上限に達して終了しました: "+e.Message).Hinted(e.Hint, e.Hint)
	}
	p := api.Refuse(api.CodeUnprocessable, e.Error(), e.Error())
	p.Problems = []api.Fault{{Line: e.Line, Column: e.Col, Reason: e.Message, Hint: e.Hint}}
	return p
}

func huntResult(res *hunt.Result) (*api.HuntResult, error) {
	out := &api.HuntResult{Columns: []api.HuntColumn{}, Rows: [][]any{}}
	columns := res.Columns()
	for _, x := range columns {
		out.Columns = append(out.Columns, api.HuntColumn{Name: x.Name, Type: x.Type})
	}
	for res.Next() {
		row := slices.Clone(res.Values())
		for i, v := range row {
			row[i] = huntValue(v, columns[i].Type)
		}
		out.Rows = append(out.Rows, row)
	}
	if ch := res.Chart(); ch != nil {
		out.Chart = ch.Kind
	}
	return out, nil
}

// exact is the largest whole number that JavaScript tells from its neighbours.
const exact = 1 << 53

// huntValue is a value as JSON has it.
func huntValue(v any, typ string) any {
	switch x := v.(type) {
	case string:
		if (typ == "JSON" || typ == "dynamic") && json.Valid([]byte(x)) {
			return json.RawMessage(x)
		}
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case int64:
		switch {
		case typ == "timespan":
			return kql.FormatTimespan(x)
		case x > exact || x < -exact:
			return strconv.FormatInt(x, 10)
		}
	case json.Number:
		if n, err := x.Int64(); err != nil || n > exact || n < -exact {
			if !strings.ContainsAny(x.String(), ".eE") {
				return x.String()
			}
		}
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
	}
	return v
}

// huntStats are the numbers that who asks may know: how much others have is not among them.
func huntStats(s hunt.Stats, reach api.Reach) api.HuntStats {
	out := api.HuntStats{Rows: s.Rows, MS: s.Time.Milliseconds(), Tables: append([]string{}, s.Tables...), From: s.Range.From, To: s.Range.To, Missing: s.Missing}
	if reach.All {
		out.ScannedRows, out.ScannedBytes, out.Files = s.RowsScanned, s.BytesScanned, s.Files
	}
	return out
}

// CheckHunt implements [api.Hunts]. The question is asked over tables without a row, so that
// whatever the engine has to say of it is said.
func (c *consoleHunts) CheckHunt(ctx context.Context, ask api.HuntAsk) (*api.HuntChecked, error) {
	r, err := c.request(ask)
	if err != nil {
		return nil, err
	}
	r.Limit, r.Timeout = 1, 5*time.Second
	out := &api.HuntChecked{Lang: string(r.Language), Problems: []api.HuntProblem{}}
	if strings.TrimSpace(r.Text) == "" {
		return out, nil
	}
	res, err := c.checker.Run(ctx, r)
	var e *hunt.Error
	switch {
	case err == nil:
		for _, x := range res.Columns() {
			out.Columns = append(out.Columns, api.HuntColumn{Name: x.Name, Type: x.Type})
		}
		out.Tables = res.Stats().Tables
		return out, res.Close()
	case errors.As(err, &e) && !e.Limit:
		out.Problems = append(out.Problems, api.HuntProblem{Line: max(e.Line, 1), Column: max(e.Col, 1), Message: e.Message, Hint: e.Hint})
		return out, nil
	}
	return nil, huntProblem(err)
}

// CompleteHunt implements [api.Hunts].
func (c *consoleHunts) CompleteHunt(ctx context.Context, ask api.HuntPlace) (*api.HuntCompletion, error) {
	if len(ask.Text) > consoleText {
		return nil, api.Refuse(api.CodeTooLarge, "the text is too long", "テキストが長すぎます")
	}
	tables, err := c.checker.Tables(ctx)
	if err != nil {
		return nil, err
	}
	saved, _ := AllHunts(c.s.o.Config) // a file that is wrong is said where hunts are listed
	got := hunt.Complete(tables, saved, hunt.Language(ask.Lang), ask.Text, ask.At)
	out := &api.HuntCompletion{From: got.From, To: got.To, Items: []api.HuntItem{}}
	for _, x := range got.Items {
		out.Items = append(out.Items, api.HuntItem{Text: x.Text, Kind: x.Kind, Doc: x.Doc})
	}
	return out, nil
}

// HuntTables implements [api.Hunts].
func (c *consoleHunts) HuntTables(ctx context.Context) ([]api.HuntTable, error) {
	tables, err := c.checker.Tables(ctx)
	if err != nil {
		return nil, err
	}
	out := []api.HuntTable{}
	for _, t := range tables {
		x := api.HuntTable{Name: t.Name, Title: t.Title, Group: t.Group, Time: t.Time, Columns: []api.HuntColumn{}}
		for _, col := range t.Columns {
			x.Columns = append(x.Columns, api.HuntColumn{Name: col.Name, Type: col.Type})
		}
		out = append(out, x)
	}
	return out, nil
}

func historyKey(who string) string { return "hunts/" + who }

// HuntHistory implements [api.Hunts].
func (c *consoleHunts) HuntHistory(ctx context.Context, who string) (out []api.HuntPast, err error) {
	out = []api.HuntPast{}
	err = c.s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		return readState(ctx, tx.State, historyKey(who), &out)
	})
	return out, err
}

func (c *consoleHunts) note(ctx context.Context, who string, past api.HuntPast) error {
	if who == "" {
		return nil
	}
	return c.s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		var list []api.HuntPast
		if err := readState(ctx, tx.HoldState, historyKey(who), &list); err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(p api.HuntPast) bool { return p.Text == past.Text && p.Lang == past.Lang })
		list = append([]api.HuntPast{past}, list...)
		return putState(ctx, tx, historyKey(who), list[:min(len(list), historyKept)])
	})
}

// readState reads a value that is JSON; what is not there leaves to as it is.
func readState(ctx context.Context, state func(ctx context.Context, name string) ([]byte, bool, error), name string, to any) error {
	data, ok, err := state(ctx, name)
	if err != nil || !ok {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("state %s: %w", name, err)
	}
	return nil
}

func putState(ctx context.Context, tx *store.Tx, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.PutState(ctx, name, data)
}
