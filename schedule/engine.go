package schedule

import (
	"context"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// QueryRequest asks the lake for the rows of one window.
type QueryRequest struct {
	Language sentinel.Language
	Text     string
	From, To time.Time // of event time: From is in it, To is not
	Now      time.Time // what the query sees as now
	// SeenFrom and SeenTo bound the arrival of events, (SeenFrom, SeenTo]; zero: no bound.
	SeenFrom, SeenTo time.Time
	MaxRows          int
}

// Column is a column of rows; Type is one of KQL's: string, long, int, real, decimal, bool,
// datetime, timespan, dynamic, guid.
type Column struct{ Name, Type string }

// Rows are the rows of a query. A value is nil, string, bool, int64, float64 or time.Time; a
// timespan is int64 ticks of 100 ns, and dynamic is JSON text.
type Rows struct {
	Columns []Column
	Values  [][]any
	// Cut says in words that there were more, "" when these are all.
	Cut string
}

// ArrivalRequest asks for the event times of what arrived in (From, To] in some tables.
type ArrivalRequest struct {
	Tables   []string
	Language sentinel.Language
	From, To time.Time
	// Grain is how exact the times have to be: they may be cut to a multiple of it.
	Grain time.Duration
	// EventFrom and EventTo bound the event times, [EventFrom, EventTo); zero: no bound.
	EventFrom, EventTo time.Time
}

// Engine is the lake as schedules need it.
type Engine interface {
	Query(ctx context.Context, q QueryRequest) (*Rows, error)
	// Arrived returns event times, each once, ascending, cut to the grain. Where there are too
	// many it returns the latest without bounds, and an error within bounds.
	Arrived(ctx context.Context, a ArrivalRequest) ([]time.Time, error)
	// Settled is the arrival time up to which a query sees everything that has arrived; at
	// most now.
	Settled(ctx context.Context, now time.Time) (time.Time, error)
}

// Tx is the store inside a transaction.
type Tx interface {
	Schedules(ctx context.Context, after string, limit int) ([]yagura.ScheduleState, error)
	LeaseSchedule(ctx context.Context, rule, owner string, now, until, begin time.Time) (yagura.ScheduleState, bool, error)
	PutSchedule(ctx context.Context, s yagura.ScheduleState) error
	WindowFindings(ctx context.Context, rule string, from, to time.Time) ([]yagura.WindowFinding, error)
	FirstWindow(ctx context.Context, rule, finding string) (time.Time, bool, error)
	PutWindowFindings(ctx context.Context, rule string, window time.Time, findings []string) error
	DropWindowFindings(ctx context.Context, rule string, before time.Time) error
	Supersede(ctx context.Context, findings []string) error
	// Take files findings with their issues and what is owed; fresh is how many are new, and
	// notices how many are owed.
	Take(ctx context.Context, findings []yagura.Finding) (fresh, notices int, err error)
}

// Store runs transactions. A function may run again; it has no effects outside it.
type Store interface {
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	View(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
}
