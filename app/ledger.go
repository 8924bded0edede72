package app

import "fmt"

// ledgerFaults says where the books do not balance.
func ledgerFaults(l *Ledger) (out []string) {
	for _, s := range l.Sources {
		if s.Received != s.Judged+s.Waiting {
			out = append(out, fmt.Sprintf("source %s: %d received, but %d judged and %d waiting", s.Source, s.Received, s.Judged, s.Waiting))
		}
	}
	for _, s := range l.Sinks {
		if s.Owed != s.Delivered+s.Waiting+s.Dead {
			out = append(out, fmt.Sprintf("sink %s: %d owed, but %d delivered, %d waiting and %d dead", s.Sink, s.Owed, s.Delivered, s.Waiting, s.Dead))
		}
	}
	return out
}
