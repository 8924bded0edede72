package app

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/yagura-sec/yagura/source/s3"
	"github.com/yagura-sec/yagura/source/sqs"
	"github.com/yagura-sec/yagura/store"
)

// The list prices of AWS's requests in US dollars (us-east-1). They are for an order of
// magnitude: other regions and other stores differ.
const (
	dollarsPerGet  = 0.40e-6
	dollarsPerList = 5e-6
	dollarsPerSQS  = 0.40e-6
)

// SourceState is how one source of one replica is, as of a moment.
type SourceState struct {
	Source    string    `json:"source"`
	Replica   string    `json:"replica"`
	At        time.Time `json:"at"`
	LastEvent time.Time `json:"last_event,omitzero"`
	LastSeen  time.Time `json:"last_seen,omitzero"` // when a message came last
	Error     string    `json:"error,omitempty"`
	ErrorAt   time.Time `json:"error_at,omitzero"`
	Waiting   int64     `json:"waiting"` // messages at the source; -1 unknown
	Out       int64     `json:"out"`
	Dead      int64     `json:"dead"` // in the source's own dead-letter queue; -1 unknown
	Oldest    time.Time `json:"oldest,omitzero"`
	// Requests are those that the source costs since the process started, and Dollars about
	// what they cost at AWS's list price.
	Requests int64   `json:"requests"`
	Dollars  float64 `json:"dollars"`
}

const statusEvery = 15 * time.Second

func statusKey(replica string) string { return "status/" + replica }

// status writes down how the sources of this process are, for `yagura source list`.
func (h *house) status(ctx context.Context, now time.Time) error {
	s := h.s
	if err := s.unkept(); err != nil {
		s.log.Error("nothing is acknowledged until it is kept", "error", err)
	}
	var list []SourceState
	for _, x := range s.in.Sources() {
		st := SourceState{Source: x.Name, Replica: s.db.Replica(), At: now.UTC(), LastEvent: x.LastEvent, LastSeen: x.LastSeen, Error: x.Error, ErrorAt: x.ErrorAt,
			Waiting: x.Lag.Waiting, Out: x.Lag.Out, Dead: x.Lag.Dead, Oldest: x.Lag.Oldest}
		st.Requests, st.Dollars = s.cost(x.Name)
		list = append(list, st)
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		var all map[string]time.Time
		known, ok, err := tx.HoldState(ctx, "replicas")
		if err != nil {
			return err
		}
		if ok {
			if err := json.Unmarshal(known, &all); err != nil {
				return fmt.Errorf("state replicas: %w", err)
			}
		}
		if all == nil {
			all = map[string]time.Time{}
		}
		for name, at := range all {
			if now.Sub(at) > forgetReplica {
				delete(all, name)
				if err := tx.PutState(ctx, statusKey(name), nil); err != nil {
					return err
				}
			}
		}
		all[s.db.Replica()] = now.UTC()
		if known, err = json.Marshal(all); err != nil {
			return err
		}
		if err := tx.PutState(ctx, "replicas", known); err != nil {
			return err
		}
		return tx.PutState(ctx, statusKey(s.db.Replica()), data)
	})
}

// forgetReplica is when a replica that says nothing any more is not listed.
const forgetReplica = 24 * time.Hour

// cost counts the requests that a source made.
func (s *Serve) cost(name string) (requests int64, dollars float64) {
	for _, r := range s.receivers {
		if q, ok := r.(*sqs.Receiver); ok && r.Name() == name {
			n := q.Stats().Requests
			requests, dollars = requests+n, dollars+float64(n)*dollarsPerSQS
		}
	}
	if st := s.stores[name]; st != nil {
		gets, heads, lists := st.Requests()
		requests += gets + heads + lists
		dollars += float64(gets+heads)*dollarsPerGet + float64(lists)*dollarsPerList
	}
	return requests, dollars
}

// countStore remembers which store a source opens its objects with.
func (s *Serve) countStore(name string, st *s3.Store) {
	if s.stores == nil {
		s.stores = map[string]*s3.Store{}
	}
	s.stores[name] = st
}

// lastEvents fills in from the books what a process that has just started does not know.
func lastEvents(ctx context.Context, tx *store.Tx, list []SourceState) error {
	totals, err := tx.SourceTotals(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		for _, t := range totals {
			if t.Source == list[i].Source && t.LastEvent.After(list[i].LastEvent) {
				list[i].LastEvent = t.LastEvent
			}
		}
	}
	return nil
}

// SourceStates lists how the sources of all replicas were when they said so last.
func (b *Books) SourceStates(ctx context.Context) (out []SourceState, err error) {
	err = b.DB.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		known, ok, err := tx.State(ctx, "replicas")
		if err != nil || !ok {
			return err
		}
		var all map[string]time.Time
		if err := json.Unmarshal(known, &all); err != nil {
			return fmt.Errorf("state replicas: %w", err)
		}
		for name := range all {
			data, ok, err := tx.State(ctx, statusKey(name))
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			var list []SourceState
			if err := json.Unmarshal(data, &list); err != nil {
				return fmt.Errorf("state %s: %w", statusKey(name), err)
			}
			out = append(out, list...)
		}
		return lastEvents(ctx, tx, out)
	})
	sort.Slice(out, func(i, j int) bool {
		if out[i].Source != out[j].Source {
			return out[i].Source < out[j].Source
		}
		return out[i].Replica < out[j].Replica
	})
	return out, err
}
