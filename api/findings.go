package api

import "context"

type findingsIn struct{ ListIn }

func (a *API) findings(ctx context.Context, c *Call[findingsIn]) (*List[FindingRow], error) {
	return a.parts.Lists.ListFindings(ctx, c.Reach, c.Ask)
}

// FindingPage is a finding with its raw events.
type FindingPage struct {
	FindingRow
	Records []EventMatch `json:"records"`
}

type findingIn struct {
	ID string `path:"id"`
}

func (a *API) finding(ctx context.Context, c *Call[findingIn]) (*FindingPage, error) {
	f, err := a.parts.Findings.Finding(ctx, c.Reach, c.In.ID)
	if err != nil {
		return nil, err
	}
	out := &FindingPage{FindingRow: *f}
	out.Records, err = a.parts.Records.FindingEvents(ctx, c.Reach, c.In.ID)
	return out, err
}
