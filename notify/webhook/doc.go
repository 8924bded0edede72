// Package webhook posts notices to an HTTP endpoint, signed as Standard Webhooks says
// (webhook-id, webhook-timestamp, webhook-signature), with one of three bodies:
//
//   - ocsf: an OCSF Incident Finding (class 2005) of the issue, with the Detection Finding
//     that caused it
//   - falcosidekick: the event that Falco, falcosidekick and Falco UI exchange
//   - template: the user's own Go template
//
// It follows no redirects, uses no proxy of the environment, and connects only to public
// addresses unless told otherwise: the address is checked when it is dialled, so a name
// cannot change its mind in between.
//
// # The guarantee
//
// Every notice arrives at least once, with the same webhook-id at every attempt, which is
// the notice's id: a receiver that remembers ids sees each once. An attempt that follows one
// without an answer is counted as a possible double.
//
// A worked example:
//
//	sink, err := webhook.New(webhook.Options{Name: "soc", URL: "https://soc.example/hook",
//		Keys: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}})
//	receipt, err := sink.Deliver(ctx, notice)
//	// POST /hook, webhook-id: 01J…, {"class_uid":2005,"activity_id":1,…}
package webhook
