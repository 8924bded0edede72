package api

import (
	"context"
	"time"

	"github.com/yagura-sec/yagura"
)

// Events reads the records of the lake.
type Events interface {
	// ListEvents returns a page of events. who is counted by, as hunts are: one asker has a few
	// questions to the lake at once.
	ListEvents(ctx context.Context, reach Reach, who string, ask Ask) (*List[Event], error)
	// Event finds one by its key. at and format narrow the search where they are known.
	Event(ctx context.Context, reach Reach, who string, key yagura.Key, at time.Time, format string) (*EventPage, error)
}

// Event is a record of the lake, by the header that it was kept with.
type Event struct {
	Key         yagura.Key      `json:"key" doc:"Of the event; repeats of it have the same."`
	ID          string          `json:"id,omitempty" doc:"The native id, as the record has it."`
	Time        time.Time       `json:"time,omitzero" doc:"When it happened, by the record itself; absent where it does not say."`
	Seen        time.Time       `json:"seen,omitzero" doc:"When it arrived."`
	Format      string          `json:"format"`
	Source      string          `json:"source"`
	Object      string          `json:"object" doc:"The object or message that it came in."`
	Record      int64           `json:"record" doc:"Number in its object, from 0."`
	Account     string          `json:"account,omitempty"`
	AccountName string          `json:"account_name,omitempty" doc:"As the registry has it."`
	Region      string          `json:"region,omitempty"`
	Service     string          `json:"service,omitempty"`
	Action      string          `json:"action,omitempty"`
	Actor       yagura.Actor    `json:"actor"`
	AccessKey   string          `json:"access_key,omitempty"`
	SrcIP       string          `json:"src_ip,omitempty"`
	UserAgent   string          `json:"user_agent,omitempty"`
	Outcome     string          `json:"outcome,omitempty"`
	Error       string          `json:"error,omitempty"`
	Targets     []yagura.Entity `json:"targets"`
	Size        int64           `json:"size" doc:"Bytes of the record."`
}

// EventPage is an event with its record.
type EventPage struct {
	Event
	More     []EventColumn `json:"more" doc:"What the header has beside, of its format alone."`
	Raw      string        `json:"raw,omitempty" doc:"The record, exactly as it was received."`
	Bytes    []byte        `json:"raw_base64,omitempty" doc:"The same, where it is no UTF-8; raw then shows it as far as it can be shown."`
	Missing  string        `json:"missing,omitempty" doc:"Why there is no record: expired (retention left the header)."`
	Findings []FindingRow  `json:"findings" doc:"That rules said of it, the newest first; at most 50."`
	Others   int           `json:"others,omitempty" doc:"Further records with the same key and another content."`
}

// EventColumn is a value of a column that one format has.
type EventColumn struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type eventsIn struct{ ListIn }

func (a *API) events(ctx context.Context, c *Call[eventsIn]) (*List[Event], error) {
	return a.parts.Events.ListEvents(ctx, c.Reach, c.Who.Who, c.Ask)
}

type eventIn struct {
	Key    string    `path:"key" doc:"Key of the event: 32 hexadecimal digits."`
	Time   time.Time `query:"time" doc:"When it happened: with it one day is searched, and not the whole lake."`
	Format string    `query:"format" doc:"Its format, where it is known."`
}

func (a *API) event(ctx context.Context, c *Call[eventIn]) (*EventPage, error) {
	var key yagura.Key
	if err := key.UnmarshalText([]byte(c.In.Key)); err != nil {
		return nil, notFound()
	}
	return a.parts.Events.Event(ctx, c.Reach, c.Who.Who, key, c.In.Time, c.In.Format)
}
