// Package cloudwatchtest is a CloudWatch Logs on loopback, for tests: PutLogEvents,
// CreateLogStream, CreateLogGroup and FilterLogEvents in the JSON protocol. It holds calls to
// the published limits (bytes, number, order and span of a batch, size and age of an event,
// names), rejects old and new events singly, makes what was written searchable only after
// some calls where that is asked for, answers searches in pages of which many are empty, and
// can lose an answer after it has acted, throttle, and fail.
//
// It is not a general fake of CloudWatch Logs: other calls are refused.
package cloudwatchtest
