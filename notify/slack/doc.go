// Package slack brings notices to Slack, one thread per issue, and takes what people do
// there back: buttons, answers to "was this you?", comments and the command /yagura.
//
// The thread's first message always shows the issue as it is now: it is edited in place by
// every notice. What happened is a reply below it. Each message carries the notice's id as
// message metadata, so after an attempt without an answer the sink reads the channel or the
// thread back before it posts anything: the guarantee is 0 lost and 0 doubled.
//
// It is not where an issue changes: a button becomes a [yagura.Change], and the message
// follows by the notice that the change owes. Only the confirmation that the person who
// pressed the button sees is written at once.
//
// Texts of logs were written by somebody else. They are masked, escaped, and stand in code
// spans, where Slack parses nothing: they cannot mention, link, format or break out.
//
// A worked example:
//
//	sink, err := slack.New(slack.Options{Name: "soc", Token: bot, AppToken: app, Channel: "C0123456789"})
//	receipt, err := sink.Deliver(ctx, notice)  // receipt.Ref "C0123456789:1732700000.000100"
//	err = sink.Listen(ctx, inbox)              // Socket Mode: buttons, answers, /yagura
package slack
