package app

import (
	"testing"
	"time"
)

// TestLastEvent: the latest event of a source is known after a restart too.
func TestLastEvent(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post(trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	s.stop()
	s.start()
	if err := s.serve.house.status(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	list, err := (&Books{DB: s.serve.db}).SourceStates(t.Context())
	if err != nil || len(list) != 1 || !list[0].LastEvent.Equal(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", list, err)
	}
}
