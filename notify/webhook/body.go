package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/report"
)

// Marker is what tells own traffic: the vendor in OCSF's metadata.product, the source and a
// tag of falcosidekick's events, and the beginning of the User-Agent.
const Marker = "yagura"

// body writes what is posted of a notice.
func (s *Sink) body(n *yagura.Notice) (body []byte, contentType string, err error) {
	switch s.o.Format {
	case Template:
		text, err := s.templates.Render("body", notify.NewText(n, notify.TextOptions{Lang: s.o.Lang}))
		if err == nil {
			err = s.valid(text)
		}
		return []byte(text), s.o.ContentType, err
	case Falcosidekick:
		text := notify.NewText(n, notify.TextOptions{Lang: s.o.Lang})
		body, err = notify.Fit(n, s.o.MaxBody, func(n *yagura.Notice, _ int) ([]byte, error) { return json.Marshal(falco(n, text)) })
	default:
		link := ""
		if n.Issue != nil && s.o.Link != nil {
			link = s.o.Link(n.Issue.ID)
		}
		body, err = notify.Fit(n, s.o.MaxBody, func(n *yagura.Notice, cut int) ([]byte, error) {
			return report.Incident(n, cut, link, report.Options{Version: s.o.Version, Japanese: s.o.Lang == notify.Japanese})
		})
	}
	return body, "application/json", err
}

// event is the event that falcosidekick takes.
type event struct {
	UUID         string         `json:"uuid"`
	Output       string         `json:"output"`
	Priority     string         `json:"priority"`
	Rule         string         `json:"rule"`
	Time         time.Time      `json:"time"`
	Source       string         `json:"source"`
	OutputFields map[string]any `json:"output_fields"`
	Tags         []string       `json:"tags"`
	Hostname     string         `json:"hostname"`
}

// falco writes a notice as an event. Its receivers want rule, priority, time and fields; all
// are always there.
func falco(n *yagura.Notice, text *notify.Text) event {
	e := event{UUID: uuid(n.ID), Output: text.Headline, Priority: "Informational", Rule: text.RuleTitle, Time: n.Created.UTC(), Source: Marker,
		OutputFields: map[string]any{"yagura.notice": n.ID, "yagura.op": string(n.Op)}, Tags: append([]string{Marker}, notify.Tags(n)...), Hostname: Marker}
	if e.Time.IsZero() {
		e.Time = time.Unix(0, 0).UTC()
	}
	set := func(key, value string) {
		if value != "" {
			e.OutputFields[key] = value
		}
	}
	more := cmp.Or(text.Comment, text.What)
	if more != "" {
		e.Output += ": " + strings.Join(strings.Fields(more), " ")
	}
	set("yagura.text", text.Lead)
	is := n.Issue
	if is == nil {
		e.Rule = "Yagura " + string(n.Op)
		return e
	}
	e.Priority = priority(is.Severity)
	e.Rule = cmp.Or(e.Rule, text.RuleID, "Yagura issue")
	e.Hostname = cmp.Or(is.Account, Marker)
	set("yagura.issue", is.ID)
	set("yagura.status", string(is.Status))
	set("yagura.severity", is.Severity.String())
	set("yagura.cause_key", is.CauseKey)
	set("yagura.conclusion", string(is.Conclusion))
	set("yagura.assignee", is.Assignee)
	e.OutputFields["yagura.count"] = is.Count
	e.OutputFields["yagura.episode"] = is.Episode
	set("account", is.Account)
	set("account.name", is.AccountInfo.Name)
	set("actor", cmp.Or(is.Actor.ID, is.Actor.Name))
	ids := map[string][]string{}
	for _, t := range is.Entities {
		ids[t.Type] = append(ids[t.Type], t.ID)
	}
	for kind, list := range ids {
		set("entity."+kind, strings.Join(list, ", "))
	}
	if f := cmp.Or(n.Finding, is.Latest); f != nil {
		set("yagura.finding", f.ID)
		set("action", f.Event.Action)
		set("region", f.Event.Region)
		set("src_ip", f.Event.SrcIP)
		set("outcome", f.Event.Outcome)
		if !f.Time.IsZero() {
			set("evt.time", f.Time.UTC().Format(time.RFC3339Nano))
		}
	}
	return e
}

// priority is the level of Falco that Yagura reads as the same severity.
func priority(s yagura.Severity) string {
	switch s {
	case yagura.SeverityCritical:
		return "Critical"
	case yagura.SeverityHigh:
		return "Error"
	case yagura.SeverityMedium:
		return "Warning"
	case yagura.SeverityLow:
		return "Notice"
	}
	return "Informational"
}

// uuid writes a notice's id, which has 128 bits, as a UUID; an id of another form is hashed.
func uuid(id string) string {
	b, err := ulid.ParseStrict(id)
	if err != nil {
		sum := sha256.Sum256([]byte(id))
		copy(b[:], sum[:])
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// layout is how templates print, by the type of what they make.
func layout(contentType string) notify.Layout {
	l := notify.Layout{Builtin: map[notify.Lang]string{notify.English: `{{define "body"}}{"text":"{{.Headline}}"}{{end}}`},
		Escape: func(s string) string { return s }}
	switch media, _, _ := mime.ParseMediaType(contentType); {
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		l.Escape = func(s string) string {
			b, err := json.Marshal(s)
			if err != nil {
				return ""
			}
			return string(b[1 : len(b)-1])
		}
	case media == "application/x-www-form-urlencoded":
		l.Escape = url.QueryEscape
	case strings.HasSuffix(media, "xml") || media == "text/html":
		l.Escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace
	}
	return l
}

// CheckTemplate says what is wrong with a file of templates for a content type, "" for JSON.
func CheckTemplate(lang notify.Lang, file, contentType string) error {
	return (&Sink{o: Options{Lang: lang, TemplateFile: file, ContentType: cmp.Or(contentType, "application/json")}}).load()
}

// load reads the user's template and tries it on a sample of every kind of notice.
func (s *Sink) load() error {
	t, err := layout(s.o.ContentType).LoadFile(s.o.Lang, s.o.TemplateFile)
	if err != nil {
		return err
	}
	s.templates = t
	for _, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpClose, yagura.OpReopen,
		yagura.OpComment, yagura.OpAsk, yagura.OpDigest, yagura.OpTest} {
		text, err := t.Render("body", notify.NewText(notify.Sample(op), notify.TextOptions{Lang: s.o.Lang}))
		if err == nil {
			err = s.valid(text)
		}
		if err != nil {
			return fmt.Errorf("%s: notice %q: %w", s.o.TemplateFile, op, err)
		}
	}
	return nil
}

// valid holds what a template printed to its type.
func (s *Sink) valid(text string) error {
	media, _, err := mime.ParseMediaType(s.o.ContentType)
	if err != nil {
		return fmt.Errorf("content type: %w", err)
	}
	if (media == "application/json" || strings.HasSuffix(media, "+json")) && !json.Valid([]byte(text)) {
		return fmt.Errorf("what the template prints is not JSON (hint: values are escaped for a JSON string, so put them between quotes: \"{{.Title}}\")")
	}
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("the template prints nothing")
	}
	return nil
}
