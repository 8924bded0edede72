package app

import (
	"testing"

	"github.com/yagura-sec/yagura"
)

// TestTextOverHTTP: a line of syslog that is sent to an endpoint is taken, and the alert in it
// makes an issue.
func TestTextOverHTTP(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post("<13>1 2026-03-02T09:05:00Z relay guardduty - - - " + guardDutyAlert("2026-03-02T09:05:00.000Z", 8, false) + "\n")
	if is := s.issue("A port scan"); is.Severity != yagura.SeverityHigh || is.Account != "111122223333" {
		t.Fatalf("%+v", is)
	}
}
