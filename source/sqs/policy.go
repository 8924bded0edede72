package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/yagura-sec/yagura/source"
)

// policy is what is known of the queue's dead-letter queue.
type policy struct {
	read    time.Time // when it was asked for; zero before
	known   bool      // false when the queue may not be asked
	target  string    // ARN of the dead-letter queue, "" when there is none
	receive int       // receipts before a message goes there
	url     string    // of the dead-letter queue, "" when it is not known
}

// learn asks for the queue's redrive policy, once in ten minutes. An error is not the
// caller's: receiving says what is wrong with the queue itself.
func (r *Receiver) learn(ctx context.Context) {
	now := r.options.Now()
	r.mu.Lock()
	fresh := !r.policy.read.IsZero() && now.Sub(r.policy.read) < policyLife
	if !fresh {
		r.policy.read = now // one asks, others go on
	}
	r.mu.Unlock()
	if fresh {
		return
	}
	_, err := r.attributes(ctx)
	r.mu.Lock()
	p, warned := r.policy, r.warned
	if ctx.Err() == nil {
		r.warned = true
	} else {
		r.policy.read = time.Time{}
	}
	r.mu.Unlock()
	switch {
	case warned || ctx.Err() != nil:
	case err != nil:
		r.options.Log.WarnContext(ctx, "the queue cannot be asked for its dead-letter queue; what is not understood is kept here",
			"source", r.options.Name, "error", err)
	case p.target == "":
		r.options.Log.WarnContext(ctx, "the queue has no dead-letter queue; what is not understood is kept here, and what cannot be read comes again until its retention ends",
			"source", r.options.Name, "queue", r.options.Queue, "hint", "give it a redrive policy with a maxReceiveCount of 10 or more")
	}
}

// redrives reports whether the queue takes poison out by itself.
func (r *Receiver) redrives() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.policy.known && r.policy.target != ""
}

// attributes asks for the numbers and the policy of the queue, and notes the policy.
func (r *Receiver) attributes(ctx context.Context) (map[string]string, error) {
	r.stats.requests.Add(1)
	out, err := r.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &r.options.Queue, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed, types.QueueAttributeNameRedrivePolicy}})
	if err != nil {
		return nil, explain(r.options.Queue, "sqs:GetQueueAttributes", err)
	}
	p := policy{read: r.options.Now(), known: true}
	if text := out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]; text != "" {
		if p.target, p.receive, err = redrive(text); err != nil {
			return nil, &source.Error{Name: r.options.Queue, Err: fmt.Errorf("its redrive policy: %w", err)}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.target == r.policy.target {
		p.url = r.policy.url
	}
	r.policy = p
	return out.Attributes, nil
}

// redrive reads a policy. The count is a number or, from some tools, a string.
func redrive(text string) (target string, receive int, err error) {
	var p struct {
		Target string          `json:"deadLetterTargetArn"`
		Count  json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return "", 0, err
	}
	receive, err = strconv.Atoi(strings.Trim(string(p.Count), `"`))
	if err != nil || p.Target == "" {
		return "", 0, fmt.Errorf("no target or count in %.200q", text)
	}
	return p.Target, receive, nil
}

// Lag asks the queue for its numbers, which are approximate. How old the oldest message is
// the queue does not tell.
func (r *Receiver) Lag(ctx context.Context) (source.Lag, error) {
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	a, err := r.attributes(ctx)
	if err != nil {
		return source.Lag{Waiting: -1, Out: -1, Dead: -1}, err
	}
	l := source.Lag{Waiting: number(a, types.QueueAttributeNameApproximateNumberOfMessages),
		Out: number(a, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible), Dead: -1}
	if late := number(a, types.QueueAttributeNameApproximateNumberOfMessagesDelayed); late > 0 && l.Waiting >= 0 {
		l.Waiting += late
	}
	if l.Dead, err = r.dead(ctx); err != nil && ctx.Err() == nil {
		r.mu.Lock()
		said := r.silent
		r.silent = true
		r.mu.Unlock()
		if !said {
			r.options.Log.WarnContext(ctx, "the dead-letter queue cannot be asked how much it holds", "source", r.options.Name, "error", err)
		}
	}
	return l, ctx.Err()
}

// dead is how much the dead-letter queue holds; -1 when there is none or it cannot be asked.
func (r *Receiver) dead(ctx context.Context) (int64, error) {
	url, err := r.deadURL(ctx)
	if err != nil || url == "" {
		return -1, err
	}
	r.stats.requests.Add(1)
	out, err := r.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible}})
	if err != nil {
		return -1, explain(url, "sqs:GetQueueAttributes", err)
	}
	n := number(out.Attributes, types.QueueAttributeNameApproximateNumberOfMessages)
	if hidden := number(out.Attributes, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible); hidden > 0 && n >= 0 {
		n += hidden
	}
	return n, nil
}

func number(m map[string]string, name types.QueueAttributeName) int64 {
	n, err := strconv.ParseInt(m[string(name)], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// deadURL finds the URL of the dead-letter queue; "" when there is none.
func (r *Receiver) deadURL(ctx context.Context) (string, error) {
	r.mu.Lock()
	target, url := r.policy.target, r.policy.url
	r.mu.Unlock()
	if target == "" || url != "" {
		return url, nil
	}
	parts := strings.Split(target, ":") // arn:aws:sqs:region:account:name
	if len(parts) != 6 {
		return "", &source.Error{Name: r.options.Queue, Err: errors.New("its dead-letter queue is called " + strconv.Quote(target))}
	}
	r.stats.requests.Add(1)
	out, err := r.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &parts[5], QueueOwnerAWSAccountId: &parts[4]})
	if err != nil {
		return "", explain(target, "sqs:GetQueueUrl", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.policy.target == target {
		r.policy.url = aws.ToString(out.QueueUrl)
	}
	return aws.ToString(out.QueueUrl), nil
}
