package securityhub

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Actual lists the findings of ours that changed since a time, those that people moved to
// another workflow status whenever that was (Security Hub does not say when), and says
// which of refs are gone. Security Hub deletes findings by itself, 90 days after their last
// update (30 days for archived ones).
func (s *Sink) Actual(ctx context.Context, since time.Time, refs []string, yield func(notify.Ticket) error) error {
	id, err := s.ourAccount(ctx)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, account := range append([]string{id}, slices.Sorted(maps.Keys(s.hubs))...) {
		h := s.own
		if account != id {
			h = s.hubs[account]
		}
		tell := func(f types.AwsSecurityFinding) error {
			fid := aws.ToString(f.Id)
			if _, own := Own(aws.ToString(f.ProductArn), aws.ToString(f.GeneratorId), fid); !own || told[fid] || !strings.HasPrefix(fid, issuePrefix) {
				return nil
			}
			told[fid] = true
			return yield(s.ticket(f))
		}
		moved := ours(productARN(h.region, account))
		moved.WorkflowStatus = equals("NOTIFIED", "RESOLVED", "SUPPRESSED")
		if err := s.list(ctx, h, moved, tell); err != nil {
			return err
		}
		changed := ours(productARN(h.region, account))
		if !since.IsZero() {
			// A minute more on both sides, for clocks that differ.
			changed.UpdatedAt = []types.DateFilter{{Start: aws.String(stamp(since.Add(-time.Minute))), End: aws.String(stamp(s.o.Now().Add(24 * time.Hour)))}}
		}
		if err := s.list(ctx, h, changed, tell); err != nil {
			return err
		}
	}
	return s.gone(ctx, id, refs, told, yield)
}

// gone asks for the refs that were not met: they did not change, or are gone.
func (s *Sink) gone(ctx context.Context, ourID string, refs []string, told map[string]bool, yield func(notify.Ticket) error) error {
	missing := map[string]bool{}
	for _, id := range refs {
		if strings.HasPrefix(id, issuePrefix) && !told[id] {
			missing[id] = true
		}
	}
	for account, h := range s.all(ourID) {
		if len(missing) == 0 {
			return nil
		}
		for some := range slices.Chunk(slices.Sorted(maps.Keys(missing)), maxLookUps) {
			filters := ours(productARN(h.region, account))
			filters.Id = equals(some...)
			if err := s.list(ctx, h, filters, func(f types.AwsSecurityFinding) error {
				id := aws.ToString(f.Id)
				if _, own := Own(aws.ToString(f.ProductArn), aws.ToString(f.GeneratorId), id); !own || !missing[id] {
					return nil
				}
				delete(missing, id)
				return yield(s.ticket(f))
			}); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		if err := yield(notify.Ticket{IssueID: strings.TrimPrefix(id, issuePrefix), Ref: id, Gone: true}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sink) all(ourID string) map[string]*hub {
	out := maps.Clone(s.hubs)
	out[ourID] = s.own
	return out
}

func (s *Sink) ticket(f types.AwsSecurityFinding) notify.Ticket {
	id, at := aws.ToString(f.Id), time.UnixMilli(seen(&f).updated).UTC()
	issue := strings.TrimPrefix(id, issuePrefix)
	t := notify.Ticket{IssueID: issue, Ref: id, URL: s.url(issue), Open: f.RecordState != types.RecordStateArchived, Updated: at}
	if n := f.ProductFields[fieldNotice]; n != "" {
		t.Notices = []string{n}
	}
	if c, ok := s.change(f, issue, at); ok {
		t.Changes = []yagura.Change{c}
	}
	return t
}

// change reads what people did from the workflow status. Its id has the episode in it: the
// status goes back to NEW when the finding becomes active again.
func (s *Sink) change(f types.AwsSecurityFinding, issue string, at time.Time) (yagura.Change, bool) {
	if f.Workflow == nil {
		return yagura.Change{}, false
	}
	status := f.Workflow.Status
	c := yagura.Change{Via: s.o.Name, IssueID: issue, Who: "securityhub", At: at,
		ID: fmt.Sprintf("%s/%s/%s", issuePrefix+issue, strings.ToLower(string(status)), cmp.Or(f.ProductFields[fieldEpisode], "1"))}
	if n := f.Note; n != nil {
		c.Text = cut(shown(aws.ToString(n.Text)), 512)
		if by := cut(shown(aws.ToString(n.UpdatedBy)), 200); by != "" {
			c.Who = "securityhub:" + by
		}
		if t, ok := parseTime(aws.ToString(n.UpdatedAt)); ok {
			c.At = t
		}
	}
	switch status {
	case types.WorkflowStatusResolved:
		c.What = yagura.ChangeClose
	case types.WorkflowStatusSuppressed:
		c.What, c.Until = yagura.ChangeSuppress, s.o.Now().Add(s.o.SuppressFor).UTC()
		c.Text = cmp.Or(c.Text, "suppressed in Security Hub")
	case types.WorkflowStatusNotified:
		c.What = yagura.ChangeAck
	default:
		return yagura.Change{}, false
	}
	return c, true
}

// Test proves that the identity may read findings and import them, and tells nobody: an
// import of no findings is refused as such only to those who may import.
func (s *Sink) Test(ctx context.Context) error {
	id, err := s.ourAccount(ctx)
	if err != nil {
		return err
	}
	for account, h := range s.all(id) {
		filters := ours(productARN(h.region, account))
		filters.Id = equals(testPrefix)
		if err := s.list(ctx, h, filters, func(types.AwsSecurityFinding) error { return nil }); err != nil {
			return fmt.Errorf("account %s: %w", account, err)
		}
		call, cancel := context.WithTimeout(ctx, s.o.Timeout)
		_, err := h.client.BatchImportFindings(call, &securityhub.BatchImportFindingsInput{Findings: []types.AwsSecurityFinding{}})
		cancel()
		if err != nil {
			if e := s.explain(actImport, err); !e.Permanent {
				return fmt.Errorf("account %s: %w", account, e)
			}
		}
	}
	return nil
}

func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil
}
