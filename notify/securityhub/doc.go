// Package securityhub keeps one AWS Security Hub finding per issue, through
// BatchImportFindings, in the AWS Security Finding Format (ASFF).
//
// The finding's Id is made of the id, so an import of the same issue is an update
// and never a second finding. Security Hub ignores, without a word, an update whose UpdatedAt
// is not newer, so UpdatedAt always moves forward, also where the clocks of replicas do not
// agree: before an update the finding is read (twenty in one call). A closed issue is an archived finding; a re-opened one is active again. What
// customers own (Note, Workflow, UserDefinedFields, VerificationState, the top-level
// Severity) is never written.
//
// Notices that come at about the same time go out in one call of up to 100 findings. What
// people do in Security Hub comes back through [Sink.Actual]: RESOLVED closes, SUPPRESSED
// suppresses, NOTIFIED acknowledges.
//
// It is not a source: Security Hub's own findings are read elsewhere. A finding of ours
// that comes back through a source is recognised by [Own].
//
// # Accounts
//
// Security Hub takes a finding only from the account that its AwsAccountId names. The
// issues of accounts that have a connection of their own in [Options.Accounts] (a role
// there) go to the Security Hub there; all others go to ours, with the account that they
// are about in Resources and in ProductFields.
//
// A worked example:
//
//	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("eu-west-1"))
//	sink, err := securityhub.New(securityhub.Options{Name: "hub", AWS: cfg})
//	receipt, err := sink.Deliver(ctx, notice)
//	// receipt.Ref "yagura/issue/01J…"
package securityhub
