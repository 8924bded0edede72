// Package notify brings owed notices to the sinks where people work. Each sink is a
// package below this one (notify/github, notify/slack …) that implements [Sink]; this
// package is the loop that leases notices from the outbox, delivers them strictly in
// order per sink and issue, waits and retries, and the reconciler that looks whether a
// sink has what it should.
//
// It decides nothing about issues: what is owed was written by triage, in the same
// transaction as the change it tells of. What people do at a sink comes back as a
// [yagura.Change] through [Inbox].
//
// # The guarantee, by kind of sink
//
//   - A sink that can be read back (GitHub, Slack, Security Hub) gets every notice exactly
//     once: before anything is made again after an attempt without an answer, the sink is
//     searched for the notice's id. What the sink lost or denies is found by the reconciler.
//   - PagerDuty drops doubles by its own key.
//   - A webhook or a log stream gets every notice at least once, always with the same id;
//     possible doubles are counted.
//
// A worked example:
//
//	sink, err := webhook.New(webhook.Options{Name: "soc", URL: …})
//	receipt, err := sink.Deliver(ctx, notice)
//	// *notify.Error{After: 30s} → tried again then; {Permanent: true} → dead letter
package notify
