// Package pagerdutytest is PagerDuty on loopback, for tests: the Events API v2 with the
// checks of its published schema and limits, alerts and incidents that behave as its
// documentation says, its webhooks (version 3), and the one call of the REST API that
// Yagura makes. It can lose answers after it took an event, refuse for a while, and count.
//
// It is not PagerDuty: it has no schedules, no grouping, and nobody's telephone rings; a
// page is counted.
//
// A worked example:
//
//	pd := pagerdutytest.New("0123456789abcdef0123456789abcdef")
//	defer pd.Close()
//	sink, err := pagerduty.New(pagerduty.Options{Name: "oncall", RoutingKey: …, Endpoint: pd.Endpoint(), API: pd.URL()})
//	…
//	pd.Incidents()[0].Status // "triggered"
package pagerdutytest
