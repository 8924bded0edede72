package api

import (
	"context"
	"time"
)

// DeadLetters are records that could not be decoded or judged. They are of no account: who is
// bound to accounts sees none, who is bound to formats those of which the format is known.
type DeadLetters interface {
	ListDeadLetters(ctx context.Context, reach Reach, ask Ask) (*List[DeadLetter], error)
	DeadLetter(ctx context.Context, reach Reach, id string) (*DeadLetterBytes, error)
	// RetryDeadLetter judges one again, by the rules as they are now.
	RetryDeadLetter(ctx context.Context, id string) (*DeadLetterRetried, error)
}

// DeadLetter is a record that could not be decoded or judged.
type DeadLetter struct {
	ID      string    `json:"id"`
	Source  string    `json:"source"`
	Object  string    `json:"object"`
	Record  int64     `json:"record" doc:"Number in its file, from 0."`
	Offset  int64     `json:"offset" doc:"Of its first byte in the decompressed file."`
	Format  string    `json:"format,omitempty"`
	Reason  string    `json:"reason"`
	Preview string    `json:"preview" doc:"Its first 200 characters; bytes that are no text are U+FFFD."`
	Size    int64     `json:"size" doc:"Of the whole record."`
	At      time.Time `json:"at" doc:"When it was kept."`
	Retried time.Time `json:"retried,omitzero" doc:"When a retry judged it."`
}

// DeadLetterBytes is one with its bytes.
type DeadLetterBytes struct {
	DeadLetter
	Bytes     []byte `json:"bytes"`
	Truncated bool   `json:"truncated,omitempty" doc:"Not all of it is kept."`
}

// DeadLetterRetried says what came of a retry.
type DeadLetterRetried struct {
	Done     bool   `json:"done" doc:"It was judged and is no dead letter any more."`
	Reason   string `json:"reason,omitempty" doc:"Why it stays one."`
	Records  int    `json:"records" doc:"That were judged."`
	Findings int    `json:"findings" doc:"That are new."`
}

type deadLettersIn struct{ ListIn }

func (a *API) deadLetters(ctx context.Context, c *Call[deadLettersIn]) (*List[DeadLetter], error) {
	return a.parts.Dead.ListDeadLetters(ctx, c.Reach, c.Ask)
}

type deadLetterIn struct {
	ID string `path:"id" doc:"Id of the dead letter."`
}

func (a *API) deadLetter(ctx context.Context, c *Call[deadLetterIn]) (*DeadLetterBytes, error) {
	return a.parts.Dead.DeadLetter(ctx, c.Reach, c.In.ID)
}

func (a *API) retryDeadLetter(ctx context.Context, c *Call[deadLetterIn]) (*DeadLetterRetried, error) {
	c.Did("dead_letter.retry", "dead-letter/"+c.In.ID, "")
	out, err := a.parts.Dead.RetryDeadLetter(ctx, c.In.ID)
	if err == nil && !out.Done {
		c.Did("dead_letter.retry", "dead-letter/"+c.In.ID, "it stays: "+out.Reason)
	}
	return out, err
}
