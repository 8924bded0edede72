package usual

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

// Dimension is one respect in which entities have habits.
type Dimension string

// The dimensions.
const (
	Network  Dimension = "network"  // where from: the network of the source address, or its AS
	Country  Dimension = "country"  // where from: what the record says, else what a database says
	Agent    Dimension = "agent"    // with what: the family of the user agent
	API      Dimension = "api"      // what: service and action
	Hour     Dimension = "hour"     // when: the hour of the day
	Weekday  Dimension = "weekday"  // when: the day of the week
	Resource Dimension = "resource" // on what: the first target
	Region   Dimension = "region"   // where
	Account  Dimension = "account"  // in which account
)

// Dimensions lists all of them, in the order in which people are told.
func Dimensions() []Dimension {
	return []Dimension{Network, Country, Agent, API, Resource, Region, Account, Hour, Weekday}
}

// ParseDimension reads the name of a dimension.
func ParseDimension(s string) (Dimension, error) {
	d := Dimension(strings.ToLower(strings.TrimSpace(s)))
	if !slices.Contains(Dimensions(), d) {
		return "", fmt.Errorf("%q is no dimension (hint: %s)", s, names(Dimensions()))
	}
	return d, nil
}

func names[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return strings.Join(out, ", ")
}

// Kind is what sort of entity has the habits.
type Kind string

// The kinds.
const (
	Actor     Kind = "actor"      // who is behind a session, else the actor itself
	AccessKey Kind = "access_key" // of an API
	OfAccount Kind = "account"    // an account, project, subscription or tenant
	Address   Kind = "address"    // a source address
)

// Kinds lists all of them.
func Kinds() []Kind { return []Kind{Actor, AccessKey, OfAccount, Address} }

// KindOf is the kind of an entity, "" for one that does nothing by itself.
func KindOf(e yagura.Entity) Kind {
	switch e.Type {
	case yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityServicePrincipal:
		return Actor
	case yagura.EntityKey:
		return AccessKey
	case yagura.EntityAccount:
		return OfAccount
	case yagura.EntityIP:
		return Address
	}
	return ""
}

// The bounds of what is usual, where nothing else is said.
const (
	DefaultPeriod   = 90 * 24 * time.Hour
	DefaultLearning = 14 * 24 * time.Hour
	DefaultEvents   = 50   // that an entity must have before something is unusual for it
	DefaultDays     = 3    // fewer days, and
	DefaultShare    = 0.01 // a smaller share, are rare
	DefaultRestless = 7    // new values in the learning time before; who meets more has no habit
)

// Bounds say how much is known before something is unusual, and what is rare. A field that is
// not more than zero means the default.
type Bounds struct {
	Period   time.Duration
	Learning time.Duration
	Events   int64
	Days     int
	Share    float64
	Restless int
}

// Filled returns the bounds with defaults in the place of zeros.
func (b Bounds) Filled() Bounds {
	return Bounds{Period: positive(b.Period, DefaultPeriod), Learning: positive(b.Learning, DefaultLearning), Events: positive(b.Events, DefaultEvents), Days: positive(b.Days, DefaultDays),
		Share: positive(b.Share, DefaultShare), Restless: positive(b.Restless, DefaultRestless)}
}

// positive is n, or the default where n is not more than zero.
func positive[T ~int | ~int64 | ~float64](n, otherwise T) T {
	if n > 0 {
		return n
	}
	return otherwise
}

// Question asks whether a value is usual for an entity, by what happened before a time.
//
// The value of Network and Country may be an address, and that of Hour and Weekday a time in
// the form of RFC 3339: whoever answers knows the system or the country, and the time zone.
type Question struct {
	Entity yagura.Entity `json:"entity"`
	Of     Dimension     `json:"of"`
	Value  string        `json:"value"`
	Before time.Time     `json:"before"`
}

// Answer is what the events before say.
type Answer struct {
	Question
	First     bool      `json:"first"`              // never in the period
	Rare      bool      `json:"rare"`               // there, but on few days and in a small share
	Learning  bool      `json:"learning"`           // too little is known: neither First nor Rare holds
	Restless  bool      `json:"restless,omitempty"` // it meets new values all the time: neither holds
	Unknown   bool      `json:"unknown,omitempty"`  // the value cannot be told, as there is no database for it
	Count     int64     `json:"count"`              // events with the value
	Total     int64     `json:"total"`              // events of the entity
	Days      int       `json:"days"`               // days with the value
	KnownDays int       `json:"known_days"`         // days with events of the entity
	Values    int       `json:"values"`             // different values of the dimension
	Fresh     int       `json:"fresh"`              // of them, those first met in the learning time before
	Since     time.Time `json:"since,omitzero"`     // the entity's first event in the period
	LogSince  time.Time `json:"log_since,omitzero"` // the first event in its accounts in the period
	Last      time.Time `json:"last,omitzero"`      // the value's last event
	Peers     int       `json:"peers"`              // other actors of the type in the account
	PeersWith int       `json:"peers_with"`         // of them, those that have the value
	Bounds    Bounds    `json:"-"`                  // by which it was judged
}

// Asker answers questions. Answers stand in the order of their questions.
type Asker interface {
	Ask(ctx context.Context, q []Question) ([]Answer, error)
}

// ActorOf is whose habits an actor has: the role or human behind a session, whose own name is
// random. The roles of AWS's single sign-on are shared by people and their sessions are named
// after them: there it is the session.
func ActorOf(a yagura.Actor) string {
	if a.SessionOf == "" || strings.Contains(a.SessionOf, ssoRole) && a.ID != "" {
		return a.ID
	}
	return a.SessionOf
}

// ssoRole is in the name of every role of AWS's single sign-on.
const ssoRole = "/AWSReservedSSO_"

// Of returns the questions that a finding's event raises: one for each dimension that its
// header fills, but for the account and the day of the week, which nobody asks of a finding.
// A finding without an actor or without a time raises none.
func Of(f *yagura.Finding, d yagura.Detail) []Question {
	id, before := ActorOf(f.Event.Actor), f.Event.Time
	if before.IsZero() {
		before = f.Time
	}
	if id == "" || before.IsZero() {
		return nil
	}
	entity := yagura.Entity{Type: f.Event.Actor.Type, ID: id}
	if KindOf(entity) != Actor {
		entity.Type = yagura.EntityUser
	}
	var out []Question
	add := func(of Dimension, value string) {
		if value != "" {
			out = append(out, Question{Entity: entity, Of: of, Value: value, Before: before})
		}
	}
	address, country := f.Event.SrcIP, ""
	if NetworkOf(address) == "" { // the name of a service is nowhere
		address = ""
	}
	add(Network, address)
	for _, c := range d.More {
		if c.Name == "country" {
			country = c.Value
		}
	}
	add(Country, CountryOf(cmp.Or(country, address)))
	add(Agent, AgentOf(d.UserAgent))
	if d.Service != "" || d.UserAgent != "" || len(d.More) > 0 { // else nobody knows whether there was a service
		add(API, APIOf(d.Service, f.Event.Action))
	}
	add(Hour, before.UTC().Format(time.RFC3339))
	add(Region, f.Event.Region)
	for _, e := range f.Entities {
		if e.Type == yagura.EntityResource {
			add(Resource, e.ID)
			break
		}
	}
	return out
}
