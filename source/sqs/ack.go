package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/yagura-sec/yagura/source"
)

// request is one message in a batch.
type request struct {
	receipt    string
	visibility int32
	done       chan error
}

// batcher gathers requests: while one batch is on its way the next grows, so that few calls
// carry many messages and a lone one never waits.
type batcher struct {
	send func(ctx context.Context, batch []*request) // it answers each

	mu      sync.Mutex
	pending []*request
	running bool
	idle    sync.WaitGroup
}

func (b *batcher) do(ctx, life context.Context, r *request) error {
	r.done = make(chan error, 1)
	b.mu.Lock()
	if life.Err() != nil {
		b.mu.Unlock()
		return errClosed
	}
	b.pending = append(b.pending, r)
	if !b.running {
		b.running = true
		b.idle.Add(1)
		go b.run(life)
	}
	b.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *batcher) run(life context.Context) {
	defer b.idle.Done()
	for {
		b.mu.Lock()
		n := min(len(b.pending), batchSize)
		if n == 0 {
			b.running = false
			b.mu.Unlock()
			return
		}
		batch := b.pending[:n:n]
		b.pending = b.pending[n:]
		b.mu.Unlock()
		b.send(life, batch)
	}
}

func (b *batcher) wait() {
	b.mu.Lock()
	running := b.running // nothing starts after the end of life
	b.mu.Unlock()
	if running {
		b.idle.Wait()
	}
}

// batchTries is how often what failed of a batch is sent again, when the service says that
// it was not the sender's fault.
const batchTries = 4

// sendBatch sends a batch and again what failed of it.
func (r *Receiver) sendBatch(ctx context.Context, batch []*request, action string,
	call func(ctx context.Context, batch []*request) ([]types.BatchResultErrorEntry, error)) {
	for try := 1; len(batch) > 0; try++ {
		r.stats.requests.Add(1)
		failed, err := call(ctx, batch)
		var again []*request
		reasons := map[int]types.BatchResultErrorEntry{}
		for _, f := range failed {
			if i, err := strconv.Atoi(aws.ToString(f.Id)); err == nil && i >= 0 && i < len(batch) {
				reasons[i] = f
			}
		}
		for i, q := range batch {
			f, bad := reasons[i]
			switch {
			case err != nil && ctx.Err() != nil:
				q.done <- errClosed
			case err != nil:
				q.done <- explain(r.options.Queue, action, err)
			case !bad:
				q.done <- nil
			case f.SenderFault || try == batchTries:
				q.done <- &entryError{aws.ToString(f.Code), aws.ToString(f.Message)}
			default:
				again = append(again, q)
			}
		}
		if batch = again; len(batch) == 0 {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond << try):
		case <-ctx.Done():
		}
	}
}

// entryError is what the service says of one message in a batch.
type entryError struct{ code, message string }

// Error returns the code and the message.
func (e *entryError) Error() string { return e.code + ": " + e.message }

func (r *Receiver) deleteBatch(ctx context.Context, batch []*request) {
	r.sendBatch(ctx, batch, "sqs:DeleteMessage", func(ctx context.Context, batch []*request) ([]types.BatchResultErrorEntry, error) {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &r.options.Queue}
		for i, q := range batch {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &q.receipt})
		}
		out, err := r.client.DeleteMessageBatch(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
}

func (r *Receiver) changeBatch(ctx context.Context, batch []*request) {
	r.sendBatch(ctx, batch, "sqs:ChangeMessageVisibility", func(ctx context.Context, batch []*request) ([]types.BatchResultErrorEntry, error) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &r.options.Queue}
		for i, q := range batch {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &q.receipt, VisibilityTimeout: q.visibility})
		}
		out, err := r.client.ChangeMessageVisibilityBatch(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
}

// held finds the newest receipt of a message that is out.
func (r *Receiver) held(m *source.Message) (item, error) {
	if r.life.Err() != nil {
		return item{}, errClosed
	}
	given, ok := m.Handle.(*item)
	if !ok {
		return item{}, fmt.Errorf("%s is no message of the source %s", m.ID, r.options.Name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if given.over {
		return item{}, fmt.Errorf("%s is not out", m.ID)
	}
	if now := r.out[m.ID]; now != nil {
		return *now, nil
	}
	return *given, nil // its lease ended, and the service says whether it may still be used
}

// forget notes that a message is nobody's any more.
func (r *Receiver) forget(m *source.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if given, ok := m.Handle.(*item); ok {
		given.over = true
	}
	delete(r.out, m.ID)
}

// Ack deletes the message.
func (r *Receiver) Ack(ctx context.Context, m *source.Message) error {
	for used := ""; ; {
		it, err := r.held(m)
		if err != nil {
			return err
		}
		if it.receipt == used {
			r.forget(m)
			return nil
		}
		// An older receipt than the newest is taken by the queue and may do nothing, so this
		// goes round again when the message came once more meanwhile.
		used = it.receipt
		if err := r.deletes.do(ctx, r.life, &request{receipt: used}); err != nil {
			return fmt.Errorf("delete message %s: %w", m.ID, err)
		}
	}
}

// Extend keeps the message out for another lease. Twelve hours after its receipt the queue
// gives it again whatever is asked; it is then taken by its new receipt, see take.
func (r *Receiver) Extend(ctx context.Context, m *source.Message) error {
	it, err := r.held(m)
	if err != nil {
		return err
	}
	now := r.options.Now()
	left := it.came.Add(maxOut - outMargin).Sub(now)
	if lease := min(r.options.Lease, left); lease >= time.Second {
		if err := r.changes.do(ctx, r.life, &request{receipt: it.receipt, visibility: seconds(lease)}); err != nil {
			return fmt.Errorf("extend message %s: %w", m.ID, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.out[m.ID]
	if out == nil { // its lease had ended, and nobody else has got it
		out = m.Handle.(*item)
		r.out[m.ID] = out
	}
	out.until = now.Add(r.options.Lease)
	return nil
}

// Release lets the message come again after a while; at once is 0. Where the queue has a
// dead-letter queue, it goes there after too many receipts.
func (r *Receiver) Release(ctx context.Context, m *source.Message, after time.Duration, _ error) error {
	return r.change(ctx, m, after)
}

func (r *Receiver) change(ctx context.Context, m *source.Message, after time.Duration) error {
	it, err := r.held(m)
	if err != nil {
		return err
	}
	left := it.came.Add(maxOut - outMargin).Sub(r.options.Now())
	// It is nobody's from here on, or its return could be taken for a message that is out.
	r.forget(m)
	if left < time.Second {
		return nil // it comes again by itself
	}
	if err := r.changes.do(ctx, r.life, &request{receipt: it.receipt, visibility: seconds(min(max(after, 0), left))}); err != nil {
		if e := (*entryError)(nil); errors.As(err, &e) && e.code == "MessageNotInflight" {
			return nil
		}
		return fmt.Errorf("release message %s: %w", m.ID, err)
	}
	return nil
}
