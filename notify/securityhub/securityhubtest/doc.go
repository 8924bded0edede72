// Package securityhubtest is a Security Hub on loopback, for tests: the REST protocol of
// BatchImportFindings and GetFindings, and STS GetCallerIdentity. It holds findings to the
// published format (required fields, lengths, time stamps, enumerations, taxonomy), to the
// rule that the account of the caller is the finding's, to the limits of a batch, and to
// the rule that an update must be newer; what is not newer is ignored without a word, as
// the service does. It can lose an answer after it has acted, throttle, and fail.
//
// It is not a general fake of Security Hub: other calls and other filters are refused.
package securityhubtest
