// Package pagerduty brings notices to PagerDuty through its Events API v2, and takes what
// people do there back through its webhooks (version 3).
//
// One issue is one dedup_key for its whole life: open, rise and re-open trigger it, an
// acknowledgement acknowledges it, a close resolves it. A trigger that is sent twice is one
// alert, so the guarantee is 0 doubled, whatever was lost on the way; a trigger after a
// resolve makes a new incident with the same key, which is what a re-opened issue wants.
//
// It is not a client of PagerDuty's REST API: it makes no incidents, reads none back and
// knows no schedules. Only the webhook's notes, which do not name the key, are looked up
// there, and only when a token is given.
//
// PagerDuty correlates by integration: an acknowledge or resolve that comes through another
// routing key than the trigger is dropped in silence. The reference that a receipt carries
// therefore names the team whose key was used, and later notices keep to it even when the
// account has another owner by then.
//
// A worked example:
//
//	sink, err := pagerduty.New(pagerduty.Options{Name: "oncall", RoutingKey: key})
//	receipt, err := sink.Deliver(ctx, notice)
//	// receipt.Ref "yagura:01J…", receipt.Detail "triggered"
package pagerduty
