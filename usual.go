package yagura

import "time"

// Usual is what was known, when a finding was judged, of how usual one value of it is for
// the entity that did it. It is asked of the lake where the severity policy names it, and
// filed with the finding: whoever judges the finding again knows the same.
type Usual struct {
	Of     string `json:"of"`     // network, country, agent, api, hour, resource or region
	Entity Entity `json:"entity"` // whose habits
	Value  string `json:"value"`
	// Asked is the value as the event has it where Value is what it stands for: the address
	// of a network.
	Asked string `json:"asked,omitempty"`
	// Before is the full hour that the event happened in: what is known is of the events
	// before it.
	Before time.Time `json:"before,omitzero"`
	// Unknown says why nothing is known; then everything below is empty.
	Unknown string `json:"unknown,omitempty"`
	First   bool   `json:"first"` // no event before has the value
	Rare    bool   `json:"rare"`
	// Learning says that the entity is known for too short a time to call anything first or
	// rare.
	Learning  bool      `json:"learning"`
	Count     int64     `json:"count"`          // events of the entity with the value
	Days      int       `json:"days"`           // on which there was one
	Total     int64     `json:"total"`          // events of the entity
	KnownDays int       `json:"known_days"`     // on which there was one
	Since     time.Time `json:"since,omitzero"` // the first of them
	Last      time.Time `json:"last,omitzero"`  // the last event with the value
	Peers     int       `json:"peers"`          // other entities of its kind in the account
	PeersWith int       `json:"peers_with"`     // those that have the value too
	// Text says all of it for people. It may hold hostile text.
	Text string `json:"text,omitempty"`
}

// Asks reports whether both are about the same: the value of one entity, before one hour.
func (u *Usual) Asks(other *Usual) bool {
	return u.Of == other.Of && u.Entity == other.Entity && u.asked() == other.asked() && u.Before.Equal(other.Before)
}

func (u *Usual) asked() string {
	if u.Asked != "" {
		return u.Asked
	}
	return u.Value
}
