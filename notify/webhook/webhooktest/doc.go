// Package webhooktest is a receiver of webhooks on loopback, for tests. It verifies
// signatures and their age as Standard Webhooks says, refuses what is not signed, counts
// ids, and holds bodies to OCSF or to what falcosidekick takes ([CheckOCSF], [CheckFalco]).
// It can lose an answer after it has taken a request, hang, throttle, and fail.
//
// It does not drop doubles: it counts them, so that a test sees what a receiver would.
package webhooktest
