package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/notify/awscall"
)

const (
	actPut          = "logs:PutLogEvents"
	actCreateStream = "logs:CreateLogStream"
	actCreateGroup  = "logs:CreateLogGroup"
	actFilter       = "logs:FilterLogEvents"
)

func (s *Sink) explain(permission string, err error) *notify.Error {
	return awscall.Explain(err, awscall.Call{Sink: "cloudwatch " + s.o.Name, Permission: permission, Now: s.o.Now()})
}

// send writes a batch in the order of time.
func (s *Sink) send(ctx context.Context, batch []*event) []error {
	order := make([]int, len(batch)) // of the batch, by time
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(min(1, max(-1, batch[a].at-batch[b].at))) })
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &s.o.Group, LogStreamName: &s.o.Stream, LogEvents: make([]types.InputLogEvent, len(batch))}
	for i, j := range order {
		in.LogEvents[i] = types.InputLogEvent{Timestamp: &batch[j].at, Message: &batch[j].body}
	}
	errs := make([]error, len(batch))
	all := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	out, err := s.client.PutLogEvents(ctx, in)
	if missing(err) {
		if err := s.create(ctx); err != nil {
			return all(err)
		}
		out, err = s.client.PutLogEvents(ctx, in)
	}
	if err != nil {
		e := s.explain(actPut, err)
		switch {
		case missing(err): // made a moment ago, and not known everywhere yet
			e = &notify.Error{NotSent: true, All: true, Err: e.Err}
		case e.Permanent && len(batch) > 1:
			// One of them is not to its liking, and it does not say which.
			half := len(batch) / 2
			return append(s.send(ctx, batch[:half]), s.send(ctx, batch[half:])...)
		}
		return all(e)
	}
	r := out.RejectedLogEventsInfo
	if r == nil {
		return errs
	}
	old := max(end(r.TooOldLogEventEndIndex), end(r.ExpiredLogEventEndIndex))
	for i, j := range order {
		switch {
		case i < old:
			errs[j] = notify.Permanent("cloudwatch %s: the event of %s was rejected as too old (hint: is our clock right, and the retention of %s a day or more?)",
				s.o.Name, time.UnixMilli(batch[j].at).UTC().Format(time.RFC3339), s.o.Group)
		case r.TooNewLogEventStartIndex != nil && i >= int(*r.TooNewLogEventStartIndex):
			errs[j] = notify.Permanent("cloudwatch %s: the event of %s was rejected as too new (hint: is our clock right?)",
				s.o.Name, time.UnixMilli(batch[j].at).UTC().Format(time.RFC3339))
		}
	}
	return errs
}

func end(i *int32) int { return int(aws.ToInt32(i)) }

func missing(err error) bool {
	e := (*types.ResourceNotFoundException)(nil)
	return errors.As(err, &e)
}

func exists(err error) bool {
	e := (*types.ResourceAlreadyExistsException)(nil)
	return errors.As(err, &e)
}

// create makes the stream, and the group where that is allowed.
func (s *Sink) create(ctx context.Context) error {
	_, err := s.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &s.o.Group, LogStreamName: &s.o.Stream})
	if missing(err) {
		if !s.o.CreateGroup {
			return &notify.Error{NotSent: true, All: true, After: awscall.Patience,
				Err: fmt.Errorf("cloudwatch %s: there is no log group %s (hint: make it, or set create_group)", s.o.Name, s.o.Group)}
		}
		if _, err := s.client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &s.o.Group}); err != nil && !exists(err) {
			return s.unmade(actCreateGroup, err)
		}
		_, err = s.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &s.o.Group, LogStreamName: &s.o.Stream})
	}
	if err != nil && !exists(err) {
		return s.unmade(actCreateStream, err)
	}
	return nil
}

// unmade is why there is nothing to write to. It says nothing about the notices.
func (s *Sink) unmade(permission string, err error) error {
	e := s.explain(permission, err)
	return &notify.Error{NotSent: true, All: true, After: e.After, Err: e.Err}
}

// written says whether a notice is found in the stream. Where that cannot be known it
// says no: the notice is written again, and counted.
func (s *Sink) written(ctx context.Context, n *yagura.Notice) bool {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	// Its event has the notice's time, or that of an attempt.
	from, now := n.Created, s.o.Now()
	if n.FirstTried.After(from) && n.FirstTried.Sub(from) > fresh {
		from = n.FirstTried
	}
	from = from.Add(-time.Minute)
	if from.After(now) {
		from = now.Add(-time.Hour)
	}
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &s.o.Group, LogStreamNames: []string{s.o.Stream},
		StartTime: aws.Int64(from.UnixMilli()), EndTime: aws.Int64(now.Add(2 * time.Minute).UnixMilli()),
		FilterPattern: aws.String("{ $.notice = " + quoted(n.ID) + " }")}
	for range 20 { // pages, most of them empty
		out, err := s.client.FilterLogEvents(ctx, in)
		if err != nil {
			return false
		}
		for _, e := range out.Events {
			if id, own := Own([]byte(aws.ToString(e.Message))); own && id == n.ID {
				return true
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return false
		}
		in.NextToken = out.NextToken
	}
	return false
}

// Test proves that the identity may write and search, and that there is a stream or one can
// be made. It writes nothing: a call without events is refused as such only to those who may
// write.
func (s *Sink) Test(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	if err := s.create(ctx); err != nil {
		return err
	}
	_, err := s.client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &s.o.Group, LogStreamName: &s.o.Stream, LogEvents: []types.InputLogEvent{}})
	if err != nil {
		if e := s.explain(actPut, err); !e.Permanent {
			return e
		}
	}
	if s.o.NoReadBack {
		return nil
	}
	now := s.o.Now()
	_, err = s.client.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &s.o.Group, LogStreamNames: []string{s.o.Stream},
		StartTime: aws.Int64(now.Add(-time.Second).UnixMilli()), EndTime: aws.Int64(now.UnixMilli()), Limit: aws.Int32(1)})
	if err != nil {
		return s.explain(actFilter, err)
	}
	return nil
}
