package securityhub

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/yagura-sec/yagura/notify"
)

const (
	actImport = "securityhub:BatchImportFindings"
	actRead   = "securityhub:GetFindings"
)

// bucket is a token bucket. A call waits for its token; calls are served as they come.
type bucket struct {
	rate, burst float64
	now         func() time.Time

	mu     sync.Mutex
	tokens float64
	filled time.Time
}

// take waits for a token, or returns ctx's error as one of a call that was not made.
func (b *bucket) take(ctx context.Context) error {
	b.mu.Lock()
	now := b.now()
	if b.filled.IsZero() {
		b.tokens, b.filled = b.burst, now
	}
	if past := now.Sub(b.filled); past > 0 {
		b.tokens, b.filled = min(b.burst, b.tokens+past.Seconds()*b.rate), now
	}
	b.tokens--
	wait := time.Duration(-b.tokens / b.rate * float64(time.Second))
	b.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		b.tokens++
		b.mu.Unlock()
		return &notify.Error{NotSent: true, All: true, After: wait, Err: ctx.Err()}
	}
}

// send imports a batch.
func (s *Sink) send(ctx context.Context, batch []*shipment) []error {
	errs := make([]error, len(batch))
	all := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	h := batch[0].hub
	if err := h.imports.take(ctx); err != nil {
		return all(err)
	}
	in := &securityhub.BatchImportFindingsInput{Findings: make([]types.AwsSecurityFinding, len(batch))}
	byID := make(map[string]int, len(batch))
	for i, b := range batch {
		in.Findings[i] = b.finding
		byID[*b.finding.Id] = i
	}
	out, err := h.client.BatchImportFindings(ctx, in)
	if err != nil {
		e := s.explain(actImport, err)
		if e.Permanent && len(batch) > 1 {
			// One of them is not to its liking, and it does not say which.
			half := len(batch) / 2
			return append(s.send(ctx, batch[:half]), s.send(ctx, batch[half:])...)
		}
		return all(e)
	}
	named := 0
	for _, f := range out.FailedFindings {
		if i, ok := byID[aws.ToString(f.Id)]; ok && errs[i] == nil {
			errs[i] = s.refused(aws.ToString(f.ErrorCode), aws.ToString(f.ErrorMessage))
			named++
		}
	}
	failed, taken := int(aws.ToInt32(out.FailedCount)), int(aws.ToInt32(out.SuccessCount))
	if failed != named || taken != len(batch)-named {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = uncertain("securityhub %s: of %d findings Security Hub took %d, refused %d and named %d of them",
					s.o.Name, len(batch), taken, failed, named)
			}
		}
	}
	return errs
}

func uncertain(format string, args ...any) error {
	return &notify.Error{Err: fmt.Errorf(format, args...)}
}

// lookUp looks for findings by their Ids.
func (s *Sink) lookUp(ctx context.Context, batch []*look) []error {
	byID := make(map[string]*look, len(batch))
	ids := make([]string, len(batch))
	for i, l := range batch {
		byID[l.id], ids[i] = l, l.id
	}
	filters := ours(batch[0].arn)
	filters.Id = equals(ids...)
	err := s.list(ctx, batch[0].hub, filters, func(f types.AwsSecurityFinding) error {
		if l := byID[aws.ToString(f.Id)]; l != nil {
			l.found = &f
		}
		return nil
	})
	errs := make([]error, len(batch))
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func equals(values ...string) []types.StringFilter {
	out := make([]types.StringFilter, len(values))
	for i, v := range values {
		out[i] = types.StringFilter{Value: aws.String(v), Comparison: types.StringFilterComparisonEquals}
	}
	return out
}

// ours filters the findings of our product that have our marker.
func ours(arn string) *types.AwsSecurityFindingFilters {
	return &types.AwsSecurityFindingFilters{ProductArn: equals(arn),
		GeneratorId: []types.StringFilter{{Value: aws.String(Marker), Comparison: types.StringFilterComparisonPrefix}}}
}

// list pages through findings. An error of yield ends it.
func (s *Sink) list(ctx context.Context, h *hub, filters *types.AwsSecurityFindingFilters, yield func(types.AwsSecurityFinding) error) error {
	var token *string
	for {
		if err := h.reads.take(ctx); err != nil {
			return err
		}
		call, cancel := context.WithTimeout(ctx, s.o.Timeout)
		out, err := h.client.GetFindings(call, &securityhub.GetFindingsInput{Filters: filters, MaxResults: aws.Int32(100), NextToken: token})
		cancel()
		if err != nil {
			e := s.explain(actRead, err)
			e.Permanent = false // reading says nothing about the notice
			return e
		}
		for _, f := range out.Findings {
			if err := yield(f); err != nil {
				return err
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return nil
		}
		if aws.ToString(token) == aws.ToString(out.NextToken) {
			return uncertain("securityhub %s: GetFindings answers the same page again and again", s.o.Name)
		}
		token = out.NextToken
	}
}
