package api

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
)

type issuesIn struct{ ListIn }

func (a *API) issues(ctx context.Context, c *Call[issuesIn]) (*List[yagura.Issue], error) {
	return a.parts.Lists.ListIssues(ctx, c.Reach, c.Ask)
}

// Counted is a value of a list, and how many rows have it.
type Counted struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	NameJA string `json:"name_ja,omitempty" doc:"The title of a rule in Japanese."`
	N      int64  `json:"n"`
	Q      string `json:"q" doc:"The query of the list with this value."`
}

// IssueCounts are the rows of a list by their values, the most frequent first; severities from
// the most serious, statuses in the order in which an issue lives.
type IssueCounts struct {
	Severity []Counted `json:"severity"`
	Status   []Counted `json:"status"`
	Rule     []Counted `json:"rule"`
	Account  []Counted `json:"account"`
	Assignee []Counted `json:"assignee"`
	Exact    bool      `json:"exact" doc:"false: they are of the latest rows alone."`
}

func (a *API) issueCounts(ctx context.Context, c *Call[issuesIn]) (*IssueCounts, error) {
	return a.parts.Lists.CountIssues(ctx, c.Reach, c.Ask)
}

// Ticket is what a sink has of an issue.
type Ticket struct {
	Sink string `json:"sink"`
	Ref  string `json:"ref"`
	URL  string `json:"url,omitempty"`
}

// IssuePage is an issue with what stands beside it.
type IssuePage struct {
	yagura.Issue
	RuleTitleJA string              `json:"rule_title_ja,omitempty" doc:"The title of its rule in Japanese."`
	Episodes    []yagura.Episode    `json:"episodes"`
	Tickets     []Ticket            `json:"tickets"`
	Permissions []yagura.Permission `json:"permissions" doc:"What the caller may do with this issue."`
}

type issueIn struct {
	ID string `path:"id" doc:"Id of the issue."`
}

func (a *API) issue(ctx context.Context, c *Call[issueIn]) (*IssuePage, error) {
	page, err := a.parts.Issues.Issue(ctx, c.Reach, c.In.ID)
	if err != nil {
		return nil, err
	}
	for _, p := range c.Who.Permissions() {
		if ReachOf(c.Who, p).Holds(page.AccountInfo.Organisation, page.Account, page.Format) {
			page.Permissions = append(page.Permissions, p)
		}
	}
	return page, nil
}

type issueListIn struct {
	ListIn
	ID string `path:"id" doc:"Id of the issue."`
}

func (a *API) timeline(ctx context.Context, c *Call[issueListIn]) (*List[yagura.Entry], error) {
	return a.parts.Issues.Timeline(ctx, c.Reach, c.In.ID, c.Ask)
}

// FindingRow is a finding as it is kept, with what triage made of it.
type FindingRow struct {
	yagura.Finding
	RuleTitleJA string          `json:"rule_title_ja,omitempty" doc:"The title of its rule in Japanese."`
	IssueID     string          `json:"issue_id,omitempty"`
	Episode     int             `json:"episode,omitempty"`
	Judged      yagura.Severity `json:"judged" doc:"By the severity policy; severity is the rule's own."`
	Suppressed  bool            `json:"suppressed,omitempty"`
	Seen        time.Time       `json:"seen" doc:"When it was judged."`
	Decided     []string        `json:"decided,omitempty" doc:"The clauses of the policy that decided, in order."`
}

func (a *API) issueFindings(ctx context.Context, c *Call[issueListIn]) (*List[FindingRow], error) {
	return a.parts.Issues.IssueFindings(ctx, c.Reach, c.In.ID, c.Ask)
}

// Notice is one message to one sink, with where it stands.
type Notice struct {
	ID       string             `json:"id"`
	IssueID  string             `json:"issue_id,omitempty"`
	Title    string             `json:"title,omitempty" doc:"Of the issue, as the sink was told."`
	TitleJA  string             `json:"title_ja,omitempty"`
	Sink     string             `json:"sink"`
	Seq      int64              `json:"seq"`
	Op       yagura.Op          `json:"op"`
	State    yagura.NoticeState `json:"state"`
	Attempts int                `json:"attempts"`
	Created  time.Time          `json:"created"`
	Due      time.Time          `json:"due,omitzero"`
	Done     time.Time          `json:"done,omitzero"`
	Detail   string             `json:"detail,omitempty"`
	Error    string             `json:"error,omitempty"`
}

func (a *API) issueNotices(ctx context.Context, c *Call[issueListIn]) (*List[Notice], error) {
	return a.parts.Issues.IssueNotices(ctx, c.Reach, c.In.ID, c.Ask)
}

// RelatedIssue is an issue that helps with another.
type RelatedIssue struct {
	ID         string            `json:"id"`
	Severity   yagura.Severity   `json:"severity"`
	Status     yagura.Status     `json:"status"`
	Title      string            `json:"title"`
	TitleJA    string            `json:"title_ja,omitempty"`
	Conclusion yagura.Conclusion `json:"conclusion,omitempty"`
	Why        string            `json:"why,omitempty"`
	WhyJA      string            `json:"why_ja,omitempty"`
	LastSeen   time.Time         `json:"last_seen"`
}

// Related are the issues around one.
type Related struct {
	SameActor []RelatedIssue `json:"same_actor" doc:"In the order of time."`
	Similar   []RelatedIssue `json:"similar" doc:"The most alike first."`
}

func (a *API) relatedIssues(ctx context.Context, c *Call[issueIn]) (*Related, error) {
	return a.parts.Issues.RelatedIssues(ctx, c.Reach, c.In.ID)
}

// GraphNode is one thing of a graph.
type GraphNode struct {
	ID       string           `json:"id"`
	Type     string           `json:"type" doc:"issue, or a type of entity."`
	Label    string           `json:"label"`
	N        int64            `json:"n" doc:"Findings of it, or in it."`
	Severity *yagura.Severity `json:"severity,omitempty"`
}

// GraphEdge joins two nodes.
type GraphEdge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Label string `json:"label"`
	N     int64  `json:"n"`
}

// Graph is what hangs together around something.
type Graph struct {
	Nodes []GraphNode `json:"nodes"`
	Edges []GraphEdge `json:"edges"`
	Cut   bool        `json:"cut,omitempty" doc:"There is more than is shown."`
}

type issueGraphIn struct {
	ID    string `path:"id"`
	Depth int    `query:"depth" doc:"Steps from the issue: 1 to 3, usually 1."`
}

func depthOf(n int) (int, error) {
	if n == 0 {
		n = 1
	}
	if n < 1 || n > 3 {
		return 0, Refuse(CodeBadRequest, "depth: want 1 to 3", "depth は 1 から 3 までです")
	}
	return n, nil
}

func (a *API) issueGraph(ctx context.Context, c *Call[issueGraphIn]) (*Graph, error) {
	depth, err := depthOf(c.In.Depth)
	if err != nil {
		return nil, err
	}
	return a.parts.Entities.IssueGraph(ctx, c.Reach, c.In.ID, depth)
}

// EventMatch is a raw event with the clauses of a finding that hold in it.
type EventMatch struct {
	FindingID string          `json:"finding_id"`
	Event     yagura.EventRef `json:"event"`
	Format    string          `json:"format"`
	Source    string          `json:"source"`
	Object    string          `json:"object,omitempty" doc:"What the source brought it in."`
	Record    int64           `json:"record" doc:"Its number in the object, from 0."`
	Seen      time.Time       `json:"seen,omitzero" doc:"When it arrived."`
	Raw       string          `json:"raw" doc:"The record as it was received; empty where missing says why."`
	Clauses   []Clause        `json:"clauses"`
	Missing   string          `json:"missing,omitempty" enum:"not_in_lake,no_event" doc:"not_in_lake: it is written within a minute of its arrival, and kept as long as the retention says."`
}

// Clause is a clause of a rule that held, and where in the record.
type Clause struct {
	yagura.Why
	Path  string `json:"path,omitempty" doc:"Of the value in the record."`
	Start int    `json:"start,omitempty" doc:"Of the value in raw, in bytes of UTF-8."`
	End   int    `json:"end,omitempty" doc:"0: the value is not found in the record."`
}

func (a *API) issueEvents(ctx context.Context, c *Call[issueListIn]) (*List[EventMatch], error) {
	return a.parts.Records.IssueEvents(ctx, c.Reach, c.In.ID, c.Ask)
}

func (a *API) evidence(ctx context.Context, c *Call[issueIn]) (*File, error) {
	page, err := a.parts.Issues.Issue(ctx, c.Reach, c.In.ID) // refused before the first byte
	if err != nil {
		return nil, err
	}
	return &File{Name: "yagura-issue-" + page.ID + ".zip", Type: "application/zip",
		Write: func(w io.Writer) error { return a.parts.Records.Evidence(ctx, c.Reach, page.ID, w) }}, nil
}

// ChangeIn is what somebody does with an issue.
type ChangeIn struct {
	What    yagura.ChangeKind `json:"what" doc:"answer is for sinks alone."`
	Text    string            `json:"text,omitempty" doc:"Of a comment; the reason of a close or suppression."`
	To      string            `json:"to,omitempty" doc:"Of assign: who; empty is nobody."`
	Labels  []string          `json:"labels,omitempty"`
	Until   time.Time         `json:"until,omitzero" doc:"Of suppress."`
	Verdict yagura.Conclusion `json:"verdict,omitempty" doc:"Of close and conclude."`
	ID      string            `json:"id,omitempty" doc:"A name that the caller gives the change: sent again, it is applied once."`
}

// The permissions of changes.
var changeNeeds = map[yagura.ChangeKind]yagura.Permission{
	yagura.ChangeAck: yagura.PermitWork, yagura.ChangeAssign: yagura.PermitWork, yagura.ChangeLabel: yagura.PermitWork,
	yagura.ChangeUnlabel: yagura.PermitWork, yagura.ChangeComment: yagura.PermitWork,
	yagura.ChangeClose: yagura.PermitDecide, yagura.ChangeReopen: yagura.PermitDecide,
	yagura.ChangeConclude: yagura.PermitDecide, yagura.ChangeSuppress: yagura.PermitDecide,
}

// Changed is an issue after a change.
type Changed struct {
	Issue yagura.Issue `json:"issue"`
	Done  bool         `json:"done" doc:"false: it was applied before."`
}

type changeIssueIn struct {
	ID   string `path:"id"`
	Body ChangeIn
}

func (a *API) changeIssue(ctx context.Context, c *Call[changeIssueIn]) (*Changed, error) {
	c.Did("", "issue/"+c.In.ID, "")
	return a.change(ctx, c.call, c.entry, c.In.ID, &c.In.Body)
}

func (a *API) change(ctx context.Context, c *call, e *Entry, id string, in *ChangeIn) (*Changed, error) {
	need, ok := changeNeeds[in.What]
	if !ok {
		return nil, Refuse(CodeBadRequest, fmt.Sprintf("what: %q is no change", cutText(string(in.What))), fmt.Sprintf("what: %q という変更はありません", cutText(string(in.What)))).
			Hinted("want "+strings.Join(kinds(), ", "), strings.Join(kinds(), "、")+" のいずれか")
	}
	e.Did("issue."+string(in.What), "issue/"+id, in.Text)
	reach, err := c.Need(need)
	if err != nil {
		return nil, err
	}
	if len(in.ID) > 128 || len(in.Labels) > 100 {
		return nil, Refuse(CodeBadRequest, "id or labels are too long", "id または labels が長すぎます")
	}
	via := "api"
	if c.Who.User == nil && c.Who.Token == nil {
		via = "cli"
	}
	change := yagura.Change{ID: in.ID, Via: via, IssueID: id, Who: c.Who.Who, At: c.now, What: in.What, Text: in.Text, Labels: in.Labels, To: in.To,
		Until: in.Until, Verdict: in.Verdict}
	if in.ID == "" {
		change.ID = a.newID()
	} else {
		// The caller's names are the caller's own: nobody takes those of another.
		change.ID = c.Who.Who + "/" + id + "/" + in.ID
	}
	is, done, err := a.parts.Desk.Change(ctx, reach, change)
	if err != nil {
		return nil, err
	}
	return &Changed{*is, done}, nil
}

func kinds() []string {
	var out []string
	for k := range changeNeeds {
		out = append(out, string(k))
	}
	slices.Sort(out)
	return out
}

type changeIssuesIn struct {
	Body struct {
		IDs    []string `json:"ids" doc:"At most 500."`
		Change ChangeIn `json:"change"`
	}
}

// Outcome is what became of one of many.
type Outcome struct {
	ID      string        `json:"id"`
	Done    bool          `json:"done"`
	Issue   *yagura.Issue `json:"issue,omitempty"`
	Problem *Problem      `json:"problem,omitempty"`
}

// Outcomes are those of many, in the order of what was asked.
type Outcomes struct {
	Items []Outcome `json:"items"`
}

const mostChanges = 500

func (a *API) changeIssues(ctx context.Context, c *Call[changeIssuesIn]) (*Outcomes, error) {
	ids := c.In.Body.IDs
	if len(ids) == 0 || len(ids) > mostChanges {
		return nil, Refuse(CodeBadRequest, fmt.Sprintf("ids: want 1 to %d", mostChanges), fmt.Sprintf("ids は 1 件から %d 件までです", mostChanges))
	}
	out := &Outcomes{}
	for i, id := range ids {
		in := c.In.Body.Change
		if slices.Contains(ids[:i], id) {
			continue
		}
		var changed *Changed
		e := c.newEntry(c.route.audit)
		err := c.audited(ctx, e, func(ctx context.Context) (err error) {
			changed, err = a.change(ctx, c.call, e, id, &in)
			return err
		})
		o := Outcome{ID: id}
		if err != nil {
			p, own := asProblem(err)
			if !own {
				return nil, err
			}
			s := statuses[p.Code]
			p.Type, p.Title, p.Status = "about:blank#"+string(p.Code), s.title, s.status
			o.Problem = p
		} else {
			o.Done, o.Issue = changed.Done, &changed.Issue
		}
		out.Items = append(out.Items, o)
	}
	c.entry.Written() // each has its own line
	return out, nil
}
