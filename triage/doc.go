// Package triage turns findings into issues: one issue per cause, for its whole life.
//
// It is a functional core. [Policy] (YAML clauses with CEL conditions) says what a finding
// is worth and who is told; the life is a function from an issue and what happened
// to the changed issue, the entries of its timeline and the notices that are owed. The
// caller runs it inside one transaction of the store, through the small interfaces that
// this package declares, so that a finding, its issue and its notices exist together or not
// at all.
//
// What a policy asks beyond the store, how usual something is, is learned before the
// transaction ([Desk.Learn]) and is part of the finding from then on.
//
// It never talks to a sink: it writes notices to an outbox. It takes no clock of its own
// and does no I/O but through its interfaces.
//
// [Accounts] is the registry that clauses ask of an account, [CauseKey] the key by which
// a finding's issue is found. docs/policy.md and docs/accounts.md are their references.
//
// # The stages of a judgement
//
// The list is [Stages], in code: account, own traffic, policy, suppression, fold,
// issue, storm, routes. Each says what it decided and why; `yagura policy test` prints it.
//
// A worked example:
//
//	policy, problems := triage.ParsePolicy("policy.yaml", data, triage.PolicyOptions{Now: now})
//	// problems: policy.yaml:9:23: … finding has no field "sevrity" (hint: did you mean severity?)
//	j := policy.Judge(triage.Input{Finding: f, Event: raw, Account: info})
//	// j.Severity high (rule: medium; clause "production is one level up": raise 1)
package triage
