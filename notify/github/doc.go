// Package github keeps one GitHub issue for one issue of ours: files it, keeps its status
// comment, labels and assignee up to date, comments, closes and re-opens the same one, and
// takes back what people do there.
//
// It is not a general client of GitHub, and it never searches: what it made it finds by a
// hidden marker in the first line of what it wrote, in lists by the label "yagura".
//
// # Nothing lost, nothing twice
//
// A create whose answer was lost is looked for before it is tried again. Lists are
// eventually consistent, so a thing counts as absent only when two looks, [Options.Settle]
// apart, did not find it. Should a commit show up later still, [Sink.Actual] finds the
// double, closes it with a comment that names the survivor, and counts it.
//
// Edits (status comment, labels, state) say how things shall be and may be repeated.
//
// # Whose act was it
//
// Events of an App's own bot are ours. With a personal token the same account may be a
// human's too: the status comment records what Yagura last wanted (open or closed, which
// labels, which assignee), written before the act, so an event of the account that
// contradicts it is the human's.
//
// # One act, applied once
//
// A webhook says only that something happened. The handler then reads the events
// and comments, as the reconciler does, so both know one human act by the same id: that of
// GitHub's event or comment.
//
// A worked example:
//
//	sink, err := github.New(github.Options{Name: "issues", Repository: "acme/security", Token: token})
//	receipt, err := sink.Deliver(ctx, notice) // receipt.Ref is "acme/security#12"
package github
