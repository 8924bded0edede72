// Package cloudwatch writes one JSON event per notice to a CloudWatch Logs stream.
//
// An event holds the notice's id, the issue as it was, the finding and the entry of the
// timeline, with secrets masked; what does not fit is cut, and `cut` counts where. Notices
// that come at about the same time go out in one PutLogEvents call. A missing log stream
// is created, a missing log group only where that is allowed.
//
// The event's time is the notice's, or the time of the attempt where the notice has waited
// for long: CloudWatch rejects old events, and an outage must not lose any.
//
// # The guarantee
//
// Every notice arrives at least once, always with the same id. After an attempt without an
// answer the stream is searched for the id, where that is permitted. What is not found is
// written again and counted as a possible double, for a log is searchable only a while
// after it was written.
//
// A worked example:
//
//	sink, err := cloudwatch.New(cloudwatch.Options{Name: "log", AWS: cfg, Group: "/yagura/notices"})
//	receipt, err := sink.Deliver(ctx, notice)
//	// {"v":1,"from":"yagura","notice":"01J…","op":"open","issue":{…}}
package cloudwatch
