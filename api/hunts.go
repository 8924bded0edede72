package api

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Hunts asks the lake. What somebody may not see is not there for their questions, whatever
// they are; the reach is that of the permission to hunt.
type Hunts interface {
	// Hunt asks a question. It ends when ctx does.
	Hunt(ctx context.Context, reach Reach, who string, ask HuntAsk) (*HuntResult, error)
	// ExportHunt asks a question and writes all its rows as csv or jsonl.
	ExportHunt(ctx context.Context, reach Reach, who string, ask HuntAsk, format string, w io.Writer) error
	// CheckHunt says what is wrong with a question, without reading a record.
	CheckHunt(ctx context.Context, ask HuntAsk) (*HuntChecked, error)
	CompleteHunt(ctx context.Context, ask HuntPlace) (*HuntCompletion, error)
	HuntTables(ctx context.Context) ([]HuntTable, error)
	// HuntHistory are the questions that somebody asked last, the latest first.
	HuntHistory(ctx context.Context, who string) ([]HuntPast, error)

	SavedHunts(ctx context.Context, ask Ask) (*List[SavedHunt], error)
	SavedHunt(ctx context.Context, name string) (*SavedHunt, error)
	// SaveHunt writes a hunt of the team's own. Where replace is false there must be none of
	// its name yet.
	SaveHunt(ctx context.Context, h SavedHunt, replace bool) (*SavedHunt, error)
	DeleteHunt(ctx context.Context, name string) error
	// ScheduleHunt makes a rule of a saved hunt, which runs by itself from then on.
	ScheduleHunt(ctx context.Context, who, name string, s HuntSchedule) (*Rule, error)
}

// HuntAsk is a question to the lake.
type HuntAsk struct {
	Lang   string            `json:"lang,omitempty" enum:"kql,sql," doc:"kql or sql; without it, the text is looked at."`
	Text   string            `json:"text,omitempty"`
	Hunt   string            `json:"hunt,omitempty" doc:"The name of a saved hunt, in place of a text."`
	Params map[string]string `json:"params,omitempty" doc:"Values of parameters."`
	From   time.Time         `json:"from,omitzero" doc:"Earliest time of events. Without it 30 days before the end, or what the question says."`
	To     time.Time         `json:"to,omitzero" doc:"End of the time range, itself not in it; without it, now."`
	Limit  int               `json:"limit,omitempty" doc:"Most rows: 1 to 10000, usually 1000."`
}

// HuntResult is the answer.
type HuntResult struct {
	Lang      string       `json:"lang" enum:"kql,sql"`
	Columns   []HuntColumn `json:"columns"`
	Rows      [][]any      `json:"rows" doc:"Times as RFC 3339, whole numbers beyond 2^53 as text."`
	Stats     HuntStats    `json:"stats"`
	Truncated bool         `json:"truncated" doc:"There would have been more rows."`
	Chart     string       `json:"chart,omitempty" doc:"The kind of chart that the question asks for."`
}

// HuntColumn is a column of a table or of an answer.
type HuntColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// HuntStats says what a question cost.
type HuntStats struct {
	Rows         int64     `json:"rows"`
	MS           int64     `json:"ms"`
	ScannedRows  int64     `json:"scanned_rows"`
	ScannedBytes int64     `json:"scanned_bytes"`
	Files        int       `json:"files"`
	Tables       []string  `json:"tables"`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	Missing      []string  `json:"missing,omitempty" doc:"Tables of a union that are not there."`
}

// HuntProblem is what is wrong with a question, at its place.
type HuntProblem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// HuntChecked says what is wrong with a question, and what it reads and gives.
type HuntChecked struct {
	Lang     string        `json:"lang" enum:"kql,sql"`
	Problems []HuntProblem `json:"problems"`
	Tables   []string      `json:"tables,omitempty"`
	Columns  []HuntColumn  `json:"columns,omitempty"`
}

// HuntPlace is a place in a question.
type HuntPlace struct {
	Lang string `json:"lang,omitempty" enum:"kql,sql,"`
	Text string `json:"text"`
	At   int    `json:"at" doc:"In bytes from the beginning of the text."`
}

// HuntCompletion is what may stand there.
type HuntCompletion struct {
	From  int        `json:"from"`
	To    int        `json:"to"`
	Items []HuntItem `json:"items"`
}

// HuntItem is one of it.
type HuntItem struct {
	Text string `json:"text"`
	Kind string `json:"kind" enum:"table,column,operator,function,aggregate,keyword,hunt"`
	Doc  string `json:"doc,omitempty"`
}

// HuntTable is a table that can be asked.
type HuntTable struct {
	Name    string       `json:"name"`
	Title   string       `json:"title"`
	Group   string       `json:"group" enum:"house,sentinel,asim,declared,watchlist"`
	Time    string       `json:"time,omitempty" doc:"The column that a time range is about."`
	Columns []HuntColumn `json:"columns"`
}

// HuntPast is a question that was asked.
type HuntPast struct {
	At    time.Time `json:"at"`
	Lang  string    `json:"lang" enum:"kql,sql"`
	Text  string    `json:"text"`
	Rows  int64     `json:"rows"`
	MS    int64     `json:"ms"`
	Error string    `json:"error,omitempty"`
}

// SavedHunt is a hunt with a name.
type SavedHunt struct {
	Name        string      `json:"name" doc:"Lower case, digits, hyphens."`
	Title       Words       `json:"title"`
	Description Words       `json:"description,omitzero"`
	Tactics     []string    `json:"tactics,omitempty"`
	Techniques  []string    `json:"techniques,omitempty"`
	Lang        string      `json:"lang" enum:"kql,sql"`
	Range       string      `json:"range,omitempty" doc:"How far back when no time is given: 30d."`
	Params      []HuntParam `json:"params,omitempty"`
	Text        string      `json:"text"`
	Shipped     bool        `json:"shipped,omitempty" doc:"It comes with the program, and cannot be deleted."`
	Scheduled   bool        `json:"scheduled,omitempty" doc:"A rule was made of it, which runs by itself."`
	Updated     time.Time   `json:"updated,omitzero" doc:"When its file was changed last; not of those that come with the program."`
}

// HuntParam is a parameter of a saved hunt.
type HuntParam struct {
	Name    string `json:"name"`
	Type    string `json:"type" doc:"string, int, real, bool, datetime, timespan or list"`
	Default string `json:"default,omitempty"`
	Needed  bool   `json:"needed,omitempty" doc:"It has no default."`
	Title   Words  `json:"title,omitzero"`
}

// Words are a text in both languages.
type Words struct {
	En string `json:"en,omitempty"`
	Ja string `json:"ja,omitempty"`
}

// HuntSchedule says how a hunt becomes a rule.
type HuntSchedule struct {
	Title      string            `json:"title,omitempty" doc:"Without it, that of the hunt."`
	Severity   string            `json:"severity" doc:"low, medium, high, or none"`
	Every      string            `json:"every" doc:"How often it runs: 1h."`
	Period     string            `json:"period,omitempty" doc:"How far it looks back; without it, as far as it runs often."`
	Threshold  int64             `json:"threshold,omitempty" doc:"It finds something when there are more rows."`
	Params     map[string]string `json:"params,omitempty"`
	Tactics    []string          `json:"tactics,omitempty"`
	Techniques []string          `json:"techniques,omitempty"`
}

// served refuses what only a running service answers.
func served(is bool) error {
	if is {
		return nil
	}
	return Refuse(CodeUnavailable, "only a running service answers this", "稼働中のサービスでのみ利用できます")
}

type huntIn struct{ Body HuntAsk }

func (a *API) hunt(ctx context.Context, c *Call[huntIn]) (*HuntResult, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	return a.parts.Hunts.Hunt(ctx, c.Reach, c.Who.Who, c.In.Body)
}

func (a *API) huntCheck(ctx context.Context, c *Call[huntIn]) (*HuntChecked, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	return a.parts.Hunts.CheckHunt(ctx, c.In.Body)
}

type huntPlaceIn struct{ Body HuntPlace }

func (a *API) huntComplete(ctx context.Context, c *Call[huntPlaceIn]) (*HuntCompletion, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	return a.parts.Hunts.CompleteHunt(ctx, c.In.Body)
}

type huntExportIn struct {
	Format string `query:"format" doc:"csv or jsonl."`
	Body   HuntAsk
}

// huntExport asks before the first byte is written: what is wrong is refused, and not the end
// of a file.
func (a *API) huntExport(ctx context.Context, c *Call[huntExportIn]) (*File, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	if c.In.Format == "" {
		c.In.Format = "csv"
	}
	var rows bytes.Buffer
	if err := a.parts.Hunts.ExportHunt(ctx, c.Reach, c.Who.Who, c.In.Body, c.In.Format, &rows); err != nil {
		return nil, err
	}
	kind := "text/csv; charset=utf-8"
	if c.In.Format == "jsonl" {
		kind = "application/jsonl"
	}
	return &File{Name: "yagura-hunt." + c.In.Format, Type: kind, Write: func(w io.Writer) error {
		_, err := rows.WriteTo(w)
		return err
	}}, nil
}

func (a *API) huntTables(ctx context.Context, _ *Call[struct{}]) (*List[HuntTable], error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	list, err := a.parts.Hunts.HuntTables(ctx)
	return &List[HuntTable]{Items: list}, err
}

func (a *API) huntHistory(ctx context.Context, c *Call[struct{}]) (*List[HuntPast], error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	list, err := a.parts.Hunts.HuntHistory(ctx, c.Who.Who)
	return &List[HuntPast]{Items: list}, err
}

type huntsIn struct{ ListIn }

func (a *API) savedHunts(ctx context.Context, c *Call[huntsIn]) (*List[SavedHunt], error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	return a.parts.Hunts.SavedHunts(ctx, c.Ask)
}

type huntNameIn struct {
	Name string `path:"name"`
}

func (a *API) savedHunt(ctx context.Context, c *Call[huntNameIn]) (*SavedHunt, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	return a.parts.Hunts.SavedHunt(ctx, c.In.Name)
}

type savedHuntIn struct{ Body SavedHunt }

func (a *API) addHunt(ctx context.Context, c *Call[savedHuntIn]) (*SavedHunt, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	c.Did("hunt.add", "hunt/"+c.In.Body.Name, "")
	return a.parts.Hunts.SaveHunt(ctx, c.In.Body, false)
}

type setHuntIn struct {
	Name string `path:"name"`
	Body SavedHunt
}

func (a *API) setHunt(ctx context.Context, c *Call[setHuntIn]) (*SavedHunt, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	if c.In.Body.Name != "" && c.In.Body.Name != c.In.Name {
		return nil, Refuse(CodeBadRequest, "the name in the body is another", "本文の名前がパスと一致しません")
	}
	c.In.Body.Name = c.In.Name
	c.Did("hunt.set", "hunt/"+c.In.Name, "")
	return a.parts.Hunts.SaveHunt(ctx, c.In.Body, true)
}

func (a *API) deleteHunt(ctx context.Context, c *Call[huntNameIn]) (Nothing, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return Nothing{}, err
	}
	c.Did("hunt.delete", "hunt/"+c.In.Name, "")
	return Nothing{}, a.parts.Hunts.DeleteHunt(ctx, c.In.Name)
}

type scheduleHuntIn struct {
	Name string `path:"name"`
	Body HuntSchedule
}

func (a *API) scheduleHunt(ctx context.Context, c *Call[scheduleHuntIn]) (*Rule, error) {
	if err := served(a.parts.Hunts != nil); err != nil {
		return nil, err
	}
	c.Did("hunt.schedule", "hunt/"+c.In.Name, "")
	return a.parts.Hunts.ScheduleHunt(ctx, c.Who.Who, c.In.Name, c.In.Body)
}
