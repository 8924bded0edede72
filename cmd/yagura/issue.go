package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/report"
	"github.com/yagura-sec/yagura/store"
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
	Evidence issueEvidenceCmd `cmd:"" help:"Write everything about an issue into one archive, with check sums."`
}

// oneIssue finds the issue that a word names: its id, the beginning of one, or else words of
// its title.
func (d *desk) oneIssue(word string) (*yagura.Issue, error) {
	if len(word) == 26 {
		var page api.IssuePage
		err := d.call(d.env.ctx, http.MethodGet, "/issues/"+url.PathEscape(strings.ToUpper(word)), nil, &page)
		if err == nil {
			return &page.Issue, nil
		}
		if p := (*api.Problem)(nil); !errors.As(err, &p) || p.Code != api.CodeNotFound {
			return nil, d.said(err, "")
		}
	}
	var list api.List[yagura.Issue]
	quoted := strconv.Quote(word)
	queries := []string{quoted}
	if beginsID(word) {
		queries = []string{"id:" + strings.ToUpper(word) + "*", quoted}
	}
	for _, q := range queries {
		if err := d.call(d.env.ctx, http.MethodGet, "/issues?limit=10&q="+url.QueryEscape(q), nil, &list); err != nil {
			return nil, d.said(err, q)
		}
		if len(list.Items) > 0 {
			break
		}
	}
	switch len(list.Items) {
	case 0:
		return nil, usage(in(d.ja, "no issue %q (hint: yagura issue list)", "課題 %q はありません (ヒント: yagura issue list)"), word)
	case 1:
		return &list.Items[0], nil
	}
	var ids []string
	for i := range list.Items {
		ids = append(ids, list.Items[i].ID)
	}
	return nil, usage(in(d.ja, "%q names %d issues: %s", "%q に該当する課題は %d 件あります: %s"), word, len(list.Items), strings.Join(ids, " "))
}

// beginsID says whether a word may be the beginning of an id.
func beginsID(word string) bool {
	for _, r := range strings.ToUpper(word) {
		if !strings.ContainsRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", r) {
			return false
		}
	}
	return word != "" && len(word) <= 26
}

type issueListCmd struct {
	deskFlags
	Status   []string `enum:"open,acknowledged,closed" placeholder:"STATUS" help:"open, acknowledged or closed; may be repeated. Without it, and without status: in the query, what is not closed."`
	All      bool     `help:"Closed ones too."`
	Severity []string `placeholder:"LEVEL" help:"critical, high, medium, low or none; may be repeated."`
	Account  string   `placeholder:"ID"`
	Sort     string   `placeholder:"KEY" help:"Order: updated, severity, opened …; - before it turns it round."`
	Limit    int      `default:"100" help:"Issues of a page."`
	After    string   `placeholder:"CURSOR" help:"The next page, as the page before named it."`
	Format   string   `enum:"table,jsonl,csv" default:"table" help:"table, jsonl (one issue per line) or csv."`
	Query    []string `arg:"" optional:"" help:"The same query as on the page: 'severity:>=high status:open account:1234 \"free text\"'."`
}

// query is what the words and the shorthands ask for.
func (c *issueListCmd) query() (string, error) {
	q := strings.Join(c.Query, " ")
	add := func(field string, values []string) {
		if len(values) > 0 {
			q = strings.TrimSpace(q + " " + field + ":" + strings.Join(values, ","))
		}
	}
	for _, word := range c.Severity {
		if _, err := yagura.ParseSeverity(word); err != nil {
			return "", usage("--severity: %w", err)
		}
	}
	add("severity", c.Severity)
	if c.Account != "" {
		add("account", []string{strconv.Quote(c.Account)})
	}
	status := c.Status
	if parsed, err := filter.Parse(filter.Issues, q); err == nil && !c.All && len(status) == 0 && !parsed.HasField("status") {
		status = []string{string(yagura.StatusOpen), string(yagura.StatusAcknowledged)}
	}
	add("status", status)
	return q, nil
}

// Run lists.
func (c *issueListCmd) Run(env *environment) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	d, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer d.close()
	v := url.Values{"q": {q}, "limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"cursor": c.After, "sort": c.Sort} {
		if value != "" {
			v.Set(name, value)
		}
	}
	next := ""
	if c.Format == "table" {
		var list api.List[yagura.Issue]
		if err := d.call(env.ctx, http.MethodGet, "/issues?"+v.Encode(), nil, &list); err != nil {
			return d.said(err, q)
		}
		next = list.Next
		err = issueTable(env.stdout, list.Items, d.ja)
	} else {
		v.Set("format", c.Format)
		var resp *http.Response
		if resp, err = d.send(env.ctx, http.MethodGet, "/issues?"+v.Encode(), nil); err != nil {
			return d.said(err, q)
		}
		next = resp.Header.Get("X-Next-Cursor")
		_, err = io.Copy(env.stdout, resp.Body)
		resp.Body.Close() //nolint:errcheck // it is only read
	}
	if err != nil {
		return err
	}
	if next != "" {
		fmt.Fprintf(env.stderr, "yagura: %s --after %s\n", in(d.ja, "there are more:", "続きがあります:"), report.Escape(next))
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
	deskFlags
	Format string `enum:"text,json" default:"text" help:"text or json."`
	Issue  string `arg:"" help:"Id of the issue, or the beginning of one."`
}

// shown is the JSON form of issue show.
type shown struct {
	Issue    *yagura.Issue      `json:"issue"`
	Episodes []yagura.Episode   `json:"episodes"`
	Timeline []yagura.Entry     `json:"timeline"`
	Tickets  []api.Ticket       `json:"tickets"`
	Notices  []api.Notice       `json:"notices"`
	Related  []api.RelatedIssue `json:"related"`
	Similar  []api.RelatedIssue `json:"similar"`
}

// Run shows.
func (c *issueShowCmd) Run(env *environment) error {
	d, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer d.close()
	is, err := d.oneIssue(c.Issue)
	if err != nil {
		return err
	}
	path := "/issues/" + url.PathEscape(is.ID)
	var page api.IssuePage
	var related api.Related
	err = errors.Join(d.call(env.ctx, http.MethodGet, path, nil, &page), d.call(env.ctx, http.MethodGet, path+"/related", nil, &related))
	if err != nil {
		return d.said(err, "")
	}
	s := shown{Issue: &page.Issue, Episodes: page.Episodes, Tickets: page.Tickets, Related: related.SameActor, Similar: related.Similar}
	if s.Timeline, err = all[yagura.Entry](env.ctx, d, path+"/timeline"); err != nil {
		return d.said(err, "")
	}
	if s.Notices, err = all[api.Notice](env.ctx, d, path+"/notices"); err != nil {
		return d.said(err, "")
	}
	if c.Format == "json" {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(&s)
	}
	return s.print(env.stdout, d.ja)
}

// titleOf is the title of an issue that is like another.
func titleOf(is *api.RelatedIssue, ja bool) string {
	if ja && is.TitleJA != "" {
		return is.TitleJA
	}
	return is.Title
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
	section := func(en, jp string, list []api.RelatedIssue) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", in(ja, en, jp))
		for _, r := range list {
			fmt.Fprintf(w, "  %s  %s  [%s] %s %s %s\n", timeWord(r.LastSeen), r.ID, severityWord(r.Severity, ja), report.Escape(titleOf(&r, ja)),
				words.ConclusionWord(r.Conclusion), report.Escape(in(ja, r.Why, r.WhyJA)))
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
func (f *deskFlags) change(env *environment, word string, c api.ChangeIn) error {
	d, err := f.open(env, store.Shared)
	if err != nil {
		return err
	}
	defer d.close()
	is, err := d.oneIssue(word)
	if err != nil {
		return err
	}
	c.ID = ulid.Make().String() // a call that is sent again is applied once
	var changed api.Changed
	if err := d.call(env.ctx, http.MethodPost, "/issues/"+url.PathEscape(is.ID)+"/changes", &c, &changed); err != nil {
		return d.said(err, "")
	}
	return issueTable(env.stdout, []yagura.Issue{changed.Issue}, d.ja)
}

type issueAckCmd struct {
	deskFlags
	Issue string `arg:""`
	Note  string `help:"Why, or what next."`
}

// Run acknowledges.
func (c *issueAckCmd) Run(env *environment) error {
	return c.change(env, c.Issue, api.ChangeIn{What: yagura.ChangeAck, Text: c.Note})
}

type issueCloseCmd struct {
	deskFlags
	Issue      string `arg:""`
	Conclusion string `enum:"true_positive,benign,false_positive,accepted" required:"" help:"true_positive, benign, false_positive or accepted."`
	Note       string `help:"Why."`
}

// Run closes.
func (c *issueCloseCmd) Run(env *environment) error {
	return c.change(env, c.Issue, api.ChangeIn{What: yagura.ChangeClose, Text: c.Note, Verdict: yagura.Conclusion(c.Conclusion)})
}

type issueReopenCmd struct {
	deskFlags
	Issue string `arg:""`
	Note  string `help:"Why."`
}

// Run re-opens.
func (c *issueReopenCmd) Run(env *environment) error {
	return c.change(env, c.Issue, api.ChangeIn{What: yagura.ChangeReopen, Text: c.Note})
}

type issueNoteCmd struct {
	deskFlags
	Issue string   `arg:""`
	Text  []string `arg:""`
}

// Run writes a note.
func (c *issueNoteCmd) Run(env *environment) error {
	return c.change(env, c.Issue, api.ChangeIn{What: yagura.ChangeComment, Text: strings.Join(c.Text, " ")})
}

type issueAssignCmd struct {
	deskFlags
	Issue string `arg:""`
	To    string `arg:"" optional:"" help:"Without it nobody."`
}

// Run assigns.
func (c *issueAssignCmd) Run(env *environment) error {
	return c.change(env, c.Issue, api.ChangeIn{What: yagura.ChangeAssign, To: c.To})
}

type issueLabelCmd struct {
	deskFlags
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
	return c.change(env, c.Issue, api.ChangeIn{What: what, Labels: c.Labels})
}

type issueSuppressCmd struct {
	deskFlags
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
	return c.change(env, c.Issue, api.ChangeIn{What: yagura.ChangeSuppress, Text: c.Reason, Until: until})
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

type issueEvidenceCmd struct {
	deskFlags
	Issue  string `arg:""`
	Output string `short:"o" placeholder:"FILE" help:"The archive; without it yagura-issue-ID.zip here."`
}

// Run writes the archive.
func (c *issueEvidenceCmd) Run(env *environment) error {
	d, err := c.open(env, store.ReadOnly)
	if err != nil {
		return err
	}
	defer d.close()
	is, err := d.oneIssue(c.Issue)
	if err != nil {
		return err
	}
	resp, err := d.send(env.ctx, http.MethodGet, "/issues/"+url.PathEscape(is.ID)+"/evidence", nil)
	if err != nil {
		return d.said(err, "")
	}
	defer resp.Body.Close() //nolint:errcheck // it is only read
	name := c.Output
	if name == "" {
		name = "yagura-issue-" + is.ID + ".zip"
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return usage("--output: %w", err)
	}
	if _, err := io.Copy(f, resp.Body); err != nil {
		return errors.Join(err, f.Close(), os.Remove(name))
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.stdout, name)
	return err
}
