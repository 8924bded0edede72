package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/triage"
)

type issueCmd struct {
	List     issueListCmd     `cmd:"" help:"List issues, the latest changed first."`
	Show     issueShowCmd     `cmd:"" help:"Show one issue with its story, its notices and what is like it."`
	Ack      issueAckCmd      `cmd:"" help:"Take an issue on."`
	Close    issueCloseCmd    `cmd:"" help:"Close an issue, with a conclusion."`
	Reopen   issueReopenCmd   `cmd:"" help:"Open a closed issue again."`
	Note     issueNoteCmd     `cmd:"" help:"Write a note below an issue."`
	Assign   issueAssignCmd   `cmd:"" help:"Give an issue to somebody."`
	Label    issueLabelCmd    `cmd:"" help:"Hang labels on an issue, or with --remove take them off."`
	Suppress issueSuppressCmd `cmd:"" help:"Keep an issue quiet until a date."`
}

// books opens the store of the server that the flags name.
func (f *serverFlags) books(env *environment, mode store.Mode) (*app.Books, bool, error) {
	cfg, err := config.Load(f.Config, env.environ)
	if err != nil {
		return nil, false, err
	}
	b, err := app.OpenBooks(env.ctx, cfg, mode, env.now)
	return b, env.japanese(f.Lang, cfg.Output.Lang), err
}

// oneIssue finds the issue that a word names.
func oneIssue(ctx context.Context, b *app.Books, word string, ja bool) (*yagura.Issue, error) {
	list, err := b.IssueByWord(ctx, word)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == word {
			return &list[i], nil
		}
	}
	switch len(list) {
	case 0:
		return nil, usage(in(ja, "no issue %q (hint: yagura issue list)", "課題 %q はありません (ヒント: yagura issue list)"), word)
	case 1:
		return &list[0], nil
	}
	var ids []string
	for i := range list {
		ids = append(ids, list[i].ID)
	}
	return nil, usage(in(ja, "%q names %d issues: %s", "%q に該当する課題は %d 件あります: %s"), word, len(list), strings.Join(ids, " "))
}

type issueListCmd struct {
	serverFlags
	Status   []string `enum:"open,acknowledged,closed" placeholder:"STATUS" help:"open, acknowledged or closed; may be repeated. Without it, what is not closed."`
	All      bool     `help:"Closed ones too."`
	Severity []string `placeholder:"LEVEL" help:"critical, high, medium, low or none; may be repeated."`
	Account  string   `placeholder:"ID"`
	Limit    int      `default:"100" help:"Issues of a page."`
	After    string   `placeholder:"CURSOR" help:"The next page, as the page before named it."`
	Format   string   `enum:"table,jsonl" default:"table" help:"table or jsonl (one issue per line)."`
	Text     string   `arg:"" optional:"" help:"In id, title, cause key, account or entities."`
}

// Run lists.
func (c *issueListCmd) Run(env *environment) error {
	b, ja, err := c.books(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	f := yagura.IssueFilter{Account: c.Account, Text: c.Text, After: c.After, Limit: c.Limit}
	for _, s := range c.Status {
		f.Status = append(f.Status, yagura.Status(s))
	}
	if f.Status == nil && !c.All {
		f.Status = []yagura.Status{yagura.StatusOpen, yagura.StatusAcknowledged}
	}
	for _, word := range c.Severity {
		sev, err := yagura.ParseSeverity(word)
		if err != nil {
			return usage("--severity: %w", err)
		}
		f.Severity = append(f.Severity, sev)
	}
	var list []yagura.Issue
	var next string
	err = b.DB.View(env.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		list, next, err = tx.ListIssues(ctx, f)
		return err
	})
	if err != nil {
		return err
	}
	if c.Format == "jsonl" {
		enc := json.NewEncoder(env.stdout)
		for i := range list {
			if err := enc.Encode(&list[i]); err != nil {
				return err
			}
		}
	} else if err := issueTable(env.stdout, list, ja); err != nil {
		return err
	}
	if next != "" {
		fmt.Fprintf(env.stderr, "yagura: %s --after %s\n", in(ja, "there are more:", "続きがあります:"), report.Escape(next))
	}
	return nil
}

func issueTable(w io.Writer, list []yagura.Issue, ja bool) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, in(ja, "no issues", "課題はありません"))
		return err
	}
	t := &columnWriter{w: w}
	fmt.Fprintln(t, in(ja, "ID\tSEVERITY\tSTATUS\tEPISODE\tCOUNT\tLAST SEEN\tACCOUNT\tTITLE", "ID\t重大度\t状態\t発生\t件数\t最終検知\tアカウント\t件名"))
	for i := range list {
		is := &list[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", is.ID, severityWord(is.Severity, ja), statusWord(is, ja), is.Episode, is.Count,
			timeWord(is.LastSeen), report.Escape(accountWord(is)), report.Escape(titleWord(is, ja)))
	}
	return t.Flush()
}

func severityWord(s yagura.Severity, ja bool) string { return in(ja, s.String(), s.Japanese()) }

func statusWord(is *yagura.Issue, ja bool) string {
	switch {
	case is.Status == yagura.StatusOpen && is.Episode > 1:
		return in(ja, "re-opened", "再オープン")
	case is.Status == yagura.StatusOpen:
		return in(ja, "open", "未対応")
	case is.Status == yagura.StatusAcknowledged:
		return in(ja, "acknowledged", "対応中")
	}
	return in(ja, "closed", "完了")
}

func titleWord(is *yagura.Issue, ja bool) string {
	if ja && is.TitleJA != "" {
		return is.TitleJA
	}
	return is.Title
}

func accountWord(is *yagura.Issue) string {
	switch {
	case is.AccountInfo.Name != "":
		return is.AccountInfo.Name
	case is.Account != "":
		return is.Account
	}
	return "-"
}

func timeWord(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

type issueShowCmd struct {
	serverFlags
	Format string `enum:"text,json" default:"text" help:"text or json."`
	Issue  string `arg:"" help:"Id of the issue, or the beginning of one."`
}

// shown is the JSON form of issue show.
type shown struct {
	Issue    *yagura.Issue      `json:"issue"`
	Episodes []yagura.Episode   `json:"episodes"`
	Timeline []yagura.Entry     `json:"timeline"`
	Tickets  []yagura.TicketRef `json:"tickets"`
	Notices  []shownNotice      `json:"notices"`
	Related  []relatedIssue     `json:"related"`
	Similar  []relatedIssue     `json:"similar"`
}

type shownNotice struct {
	ID       string             `json:"id"`
	Sink     string             `json:"sink"`
	Seq      int64              `json:"seq"`
	Op       yagura.Op          `json:"op"`
	State    yagura.NoticeState `json:"state"`
	Attempts int                `json:"attempts"`
	Due      time.Time          `json:"due,omitzero"`
	Done     time.Time          `json:"done,omitzero"`
	Detail   string             `json:"detail,omitempty"`
	Error    string             `json:"error,omitempty"`
}

type relatedIssue struct {
	ID         string            `json:"id"`
	Severity   yagura.Severity   `json:"severity"`
	Status     yagura.Status     `json:"status"`
	Title      string            `json:"title"`
	Conclusion yagura.Conclusion `json:"conclusion,omitempty"`
	Why        string            `json:"why,omitempty"`
	whyJA      string
	titleJA    string
	LastSeen   time.Time `json:"last_seen"`
}

// Run shows.
func (c *issueShowCmd) Run(env *environment) error {
	b, ja, err := c.books(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	is, err := oneIssue(env.ctx, b, c.Issue, ja)
	if err != nil {
		return err
	}
	s := shown{Issue: is, Tickets: []yagura.TicketRef{}, Timeline: []yagura.Entry{}}
	err = b.DB.View(env.ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if s.Episodes, err = tx.Episodes(ctx, is.ID); err != nil {
			return err
		}
		for after := int64(0); ; {
			page, err := tx.Entries(ctx, is.ID, after, 1000)
			if err != nil {
				return err
			}
			s.Timeline = append(s.Timeline, page...)
			if len(page) < 1000 {
				break
			}
			after = page[len(page)-1].Seq
		}
		if s.Tickets, err = tx.TicketsOf(ctx, is.ID); err != nil {
			return err
		}
		for after := ""; ; {
			page, next, err := tx.Notices(ctx, "", is.ID, nil, after, 1000)
			if err != nil {
				return err
			}
			for _, o := range page {
				s.Notices = append(s.Notices, shownNotice{ID: o.Notice.ID, Sink: o.Notice.Sink, Seq: o.Notice.Seq, Op: o.Notice.Op, State: o.State,
					Attempts: o.Attempts, Due: o.Due, Done: o.Done, Detail: o.Detail, Error: o.LastError})
			}
			if next == "" {
				break
			}
			after = next
		}
		return nil
	})
	if err != nil {
		return err
	}
	related, err := b.Related(env.ctx, is)
	if err != nil {
		return err
	}
	for _, r := range related.SameActor {
		s.Related = append(s.Related, related1(&r, ""))
	}
	for _, r := range related.Similar {
		s.Similar = append(s.Similar, related1(&r.Issue, r.Why))
		s.Similar[len(s.Similar)-1].whyJA = r.WhyJA
	}
	if c.Format == "json" {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(&s)
	}
	return s.print(env.stdout, ja)
}

func related1(is *yagura.Issue, why string) relatedIssue {
	return relatedIssue{ID: is.ID, Severity: is.Severity, Status: is.Status, Title: is.Title, Conclusion: is.Conclusion, Why: why, LastSeen: is.LastSeen, titleJA: titleWord(is, true)}
}

// print writes an issue for people.
func (s *shown) print(w io.Writer, ja bool) error {
	is := s.Issue
	words := notify.Words(notify.English)
	if ja {
		words = notify.Words(notify.Japanese)
	}
	t := &columnWriter{w: w}
	row := func(en, jp, value string) {
		if value != "" && value != "-" {
			fmt.Fprintf(t, "%s\t%s\n", in(ja, en, jp), report.Escape(value))
		}
	}
	fmt.Fprintf(w, "%s  [%s]  %s\n", is.ID, severityWord(is.Severity, ja), report.Escape(titleWord(is, ja)))
	row("status", "状態", statusWord(is, ja))
	row("conclusion", "結論", words.ConclusionWord(is.Conclusion))
	row("episode", "発生", fmt.Sprint(is.Episode))
	row("findings", "検出結果", fmt.Sprint(is.Count))
	row("account", "アカウント", accountWord(is))
	row("owner", "担当チーム", is.AccountInfo.Owner)
	row("assignee", "担当者", is.Assignee)
	row("first seen", "最初の検知", timeWord(is.FirstSeen))
	row("last seen", "最終検知", timeWord(is.LastSeen))
	row("rule", "ルール", is.Rule.ID)
	check, do := is.Runbook.In(ja)
	for _, s := range check {
		row("check", "確認すること", s)
	}
	for _, s := range do {
		row("do", "対応", s)
	}
	row("cause key", "原因キー", is.CauseKey)
	row("labels", "ラベル", strings.Join(is.Labels, ", "))
	row("suppressed until", "抑止期限", timeWord(is.SuppressedUntil))
	row("judged", "判定", strings.Join(is.Explained, "; "))
	for _, k := range s.Tickets {
		row("at "+k.Sink, k.Sink, strings.TrimSpace(k.Ref+" "+k.URL))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", in(ja, "Timeline", "経過"))
	lang := notify.English
	if ja {
		lang = notify.Japanese
	}
	for _, e := range s.Timeline {
		at := e.At
		if !e.EventTime.IsZero() {
			at = e.EventTime
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", timeWord(at), words.EntryWord(e.What), report.Escape(e.Who), report.Escape(notify.EntryText(&e, lang)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	section := func(en, jp string, list []relatedIssue) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", in(ja, en, jp))
		for _, r := range list {
			fmt.Fprintf(w, "  %s  %s  [%s] %s %s %s\n", timeWord(r.LastSeen), r.ID, severityWord(r.Severity, ja), report.Escape(in(ja, r.Title, r.titleJA)),
				words.ConclusionWord(r.Conclusion), report.Escape(in(ja, r.Why, r.whyJA)))
		}
	}
	section("Other issues of the same actor", "同じ実行者のほかの課題", s.Related)
	section("Similar issues", "似た課題", s.Similar)
	if len(s.Notices) > 0 {
		fmt.Fprintf(w, "\n%s\n", in(ja, "Notices", "通知"))
		for _, n := range s.Notices {
			fmt.Fprintf(t, "  %s\t#%d\t%s\t%s ×%d\t%s%s\n", report.Escape(n.Sink), n.Seq, n.Op, n.State, n.Attempts, report.Escape(n.Detail), report.Escape(n.Error))
		}
		return t.Flush()
	}
	return nil
}

// change applies one change of somebody at the command line.
func (f *serverFlags) change(env *environment, word string, c yagura.Change) error {
	b, ja, err := f.books(env, store.Shared)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // the change is durable
	is, err := oneIssue(env.ctx, b, word, ja)
	if err != nil {
		return err
	}
	who := "somebody"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	c.ID, c.Via, c.IssueID, c.Who, c.At = ulid.Make().String(), "cli", is.ID, "cli:"+who, env.now()
	is, _, err = b.Change(env.ctx, c)
	if r := (*triage.Refusal)(nil); errors.As(err, &r) {
		return usage("%s", in(ja, r.Text, r.Japanese))
	}
	if err != nil {
		return err
	}
	return issueTable(env.stdout, []yagura.Issue{*is}, ja)
}

type issueAckCmd struct {
	serverFlags
	Issue string `arg:""`
	Note  string `help:"Why, or what next."`
}

// Run acknowledges.
func (c *issueAckCmd) Run(env *environment) error {
	return c.change(env, c.Issue, yagura.Change{What: yagura.ChangeAck, Text: c.Note})
}

type issueCloseCmd struct {
	serverFlags
	Issue      string `arg:""`
	Conclusion string `enum:"true_positive,benign,false_positive,accepted" required:"" help:"true_positive, benign, false_positive or accepted."`
	Note       string `help:"Why."`
}

// Run closes.
func (c *issueCloseCmd) Run(env *environment) error {
	return c.change(env, c.Issue, yagura.Change{What: yagura.ChangeClose, Text: c.Note, Verdict: yagura.Conclusion(c.Conclusion)})
}

type issueReopenCmd struct {
	serverFlags
	Issue string `arg:""`
	Note  string `help:"Why."`
}

// Run re-opens.
func (c *issueReopenCmd) Run(env *environment) error {
	return c.change(env, c.Issue, yagura.Change{What: yagura.ChangeReopen, Text: c.Note})
}

type issueNoteCmd struct {
	serverFlags
	Issue string   `arg:""`
	Text  []string `arg:""`
}

// Run writes a note.
func (c *issueNoteCmd) Run(env *environment) error {
	return c.change(env, c.Issue, yagura.Change{What: yagura.ChangeComment, Text: strings.Join(c.Text, " ")})
}

type issueAssignCmd struct {
	serverFlags
	Issue string `arg:""`
	To    string `arg:"" optional:"" help:"Without it nobody."`
}

// Run assigns.
func (c *issueAssignCmd) Run(env *environment) error {
	return c.change(env, c.Issue, yagura.Change{What: yagura.ChangeAssign, To: c.To})
}

type issueLabelCmd struct {
	serverFlags
	Remove bool     `help:"Take them off."`
	Issue  string   `arg:""`
	Labels []string `arg:""`
}

// Run labels.
func (c *issueLabelCmd) Run(env *environment) error {
	what := yagura.ChangeLabel
	if c.Remove {
		what = yagura.ChangeUnlabel
	}
	return c.change(env, c.Issue, yagura.Change{What: what, Labels: c.Labels})
}

type issueSuppressCmd struct {
	serverFlags
	Issue  string `arg:""`
	Until  string `required:"" placeholder:"WHEN" help:"A date (2026-12-31), a time, or how long (36h, 7d)."`
	Reason string `required:"" help:"Why."`
}

// Run suppresses.
func (c *issueSuppressCmd) Run(env *environment) error {
	until, err := parseUntil(c.Until, env.now())
	if err != nil {
		return err
	}
	return c.change(env, c.Issue, yagura.Change{What: yagura.ChangeSuppress, Text: c.Reason, Until: until})
}

// parseUntil reads a date, a time, or a length of time from now.
func parseUntil(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	d, err := config.ParseDuration(text)
	if err != nil {
		return time.Time{}, usage("--until: %q: want 2026-12-31, 2026-12-31T18:00:00Z, 36h or 7d", text)
	}
	return now.Add(time.Duration(d)), nil
}
