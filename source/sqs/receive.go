package sqs

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/s3"
)

// Receive waits for messages. It asks for ten, and when ten come for up to Pollers - 1 times
// ten more at once. Nothing is asked for before somebody calls, and all that came is returned.
func (r *Receiver) Receive(ctx context.Context) ([]*source.Message, error) {
	given := ctx
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	for {
		if r.life.Err() != nil {
			return nil, errClosed
		}
		r.learn(ctx)
		raw, err := r.poll(ctx, r.options.Wait)
		if err == nil && len(raw) == batchSize {
			raw = append(raw, r.more(ctx)...)
		}
		switch {
		case len(raw) > 0: // what came is out, whatever happened since
		case given.Err() != nil:
			return nil, given.Err()
		case r.life.Err() != nil:
			return nil, errClosed
		case err != nil:
			return nil, explain(r.options.Queue, "sqs:ReceiveMessage", err)
		}
		if out := r.sort(ctx, raw); len(out) > 0 {
			return out, nil
		}
	}
}

// poll asks for one batch.
func (r *Receiver) poll(ctx context.Context, wait time.Duration) ([]types.Message, error) {
	r.stats.requests.Add(1)
	out, err := r.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &r.options.Queue, MaxNumberOfMessages: batchSize, WaitTimeSeconds: seconds(wait), VisibilityTimeout: seconds(r.options.Lease),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// more asks for what else is there, without waiting. An error says itself at the next call.
func (r *Receiver) more(ctx context.Context) (all []types.Message) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range r.options.Pollers - 1 {
		wg.Go(func() {
			raw, err := r.poll(ctx, 0)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				all = append(all, raw...)
			}
		})
	}
	wg.Wait()
	return all
}

func seconds(d time.Duration) int32 { return int32(max(0, d.Round(time.Second)/time.Second)) }

// sort makes messages of what came, at the same time, because an object may have to be
// asked about.
func (r *Receiver) sort(ctx context.Context, raw []types.Message) []*source.Message {
	made := make([]*source.Message, len(raw))
	limit := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for i := range raw {
		it, fresh := r.take(&raw[i])
		if !fresh {
			continue
		}
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			made[i] = r.message(ctx, &raw[i], it)
		})
	}
	wg.Wait()
	out := made[:0]
	for _, m := range made {
		if m != nil {
			out = append(out, m)
		}
	}
	return out
}

// take notes that a message is out. fresh is false when it is out already, and extended in
// time: the queue may give a message twice, and gives one again after twelve hours.
// Then only its receipt is new.
func (r *Receiver) take(raw *types.Message) (it *item, fresh bool) {
	id, now := aws.ToString(raw.MessageId), r.options.Now()
	attempts, err := strconv.Atoi(raw.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil || attempts < 1 {
		attempts = 1
	}
	r.stats.messages.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.out[id]
	it = &item{receipt: aws.ToString(raw.ReceiptHandle), came: now, until: now.Add(r.options.Lease), attempts: attempts}
	r.out[id] = it
	if old != nil && now.Before(old.until) {
		r.stats.absorbed.Add(1)
		return it, false
	}
	for other, o := range r.out { // leases that ended are nobody's
		if !now.Before(o.until) {
			delete(r.out, other)
		}
	}
	return it, true
}

// message reads a message; nil when there is nothing to hand out.
func (r *Receiver) message(ctx context.Context, raw *types.Message, it *item) *source.Message {
	id, body := aws.ToString(raw.MessageId), []byte(aws.ToString(raw.Body))
	m := &source.Message{ID: id, Received: it.came, Attempts: it.attempts, Lease: r.options.Lease, Body: body[:min(len(body), maxBody)], Handle: it}
	var sent time.Time
	if ms, err := strconv.ParseInt(raw.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		sent = time.UnixMilli(ms).UTC()
		if ms > r.stats.last.Load() {
			r.stats.last.Store(ms)
		}
	}
	parsed, err := Parse(body, r.options.AnyJSON)
	if err != nil && r.options.Textual != nil && r.options.Textual(body) {
		parsed, err = Parsed{Record: body}, nil
	}
	if err != nil {
		return r.poison(ctx, m, err)
	}
	r.stats.ignored.Add(int64(parsed.Ignored))
	switch {
	case parsed.Test:
		r.stats.tests.Add(1)
	case parsed.Record != nil:
		m.Objects = []source.Object{r.body(id, parsed.Record, sent)}
	}
	objects, err := r.objects(ctx, parsed.Refs)
	if err != nil {
		_ = r.change(ctx, m, backoff(it.attempts)) // it comes again by itself, too
		return nil
	}
	m.Objects = append(m.Objects, objects...)
	if len(m.Objects) == 0 {
		// Nothing waits for it; if it cannot be deleted now, it comes again.
		_ = r.Ack(ctx, m)
		return nil
	}
	r.stats.objects.Add(int64(len(m.Objects)))
	return m
}

// objects makes the objects of a message, those that have to be asked about a few at a time.
func (r *Receiver) objects(ctx context.Context, refs []s3.Ref) ([]source.Object, error) {
	var taken []s3.Ref
	for _, ref := range refs {
		if r.keys.Skip(ref.Key) {
			r.stats.skipped.Add(1)
			continue
		}
		taken = append(taken, ref)
	}
	out := make([]source.Object, len(taken))
	errs := make([]error, len(taken))
	limit := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i, ref := range taken {
		if ref.ETag != "" {
			out[i] = r.options.Store.Object(ref)
			continue
		}
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			out[i], errs[i] = r.object(ctx, ref)
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// object makes the object of a reference. A reference that does not say which version it
// means is asked about, because the version is part of what an object is known by. That the
// object is gone, or may not be read, is said when it is opened; an error is one that passes.
func (r *Receiver) object(ctx context.Context, ref s3.Ref) (source.Object, error) {
	full, err := r.options.Store.Stat(ctx, ref)
	o := r.options.Store.Object(full)
	switch {
	case err == nil:
		return o, nil
	case ctx.Err() != nil || !errors.Is(err, source.ErrGone) && !s3.Lasting(err):
		return o, err
	}
	o.Open = func(context.Context) (io.ReadCloser, error) { return nil, err }
	return o, nil
}

// poison deals with a message that says nothing we understand. A dead-letter queue takes it
// after its count of receipts; where there is none it is handed out to be kept here.
func (r *Receiver) poison(ctx context.Context, m *source.Message, why error) *source.Message {
	r.stats.refused.Add(1)
	if r.redrives() {
		r.options.Log.WarnContext(ctx, "a message is not understood and is left to the dead-letter queue",
			"source", r.options.Name, "message", m.ID, "attempts", m.Attempts, "error", why)
		_ = r.change(ctx, m, backoff(m.Attempts)) // it comes again by itself, too
		return nil
	}
	m.Refused = &source.Error{Name: "sqs://" + r.queue + "/" + m.ID, Err: why, Hint: "send notifications of S3 or records to this queue, or take any JSON"}
	return m
}

// backoff is how long a message rests that cannot be handed out: from 10 s to 15 minutes.
func backoff(attempts int) time.Duration {
	return min(10*time.Second<<min(max(attempts-1, 0), 10), 15*time.Minute)
}
