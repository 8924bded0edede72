package notify_test

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

func facts(t *notify.Text) string {
	var b strings.Builder
	for _, f := range t.Facts {
		fmt.Fprintf(&b, "%s: %s\n", f.Label, f.Value)
	}
	return b.String()
}

func TestText(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	for _, c := range []struct {
		op                    yagura.Op
		o                     notify.TextOptions
		headline, lead, facts string
	}{
		{yagura.OpOpen, notify.TextOptions{}, "[High] Trail stopped", "It is back: episode 2", `Severity: High
Status: open
Action: StopLogging
Who: mary (arn:aws:iam::111122223333:user/mary)
On behalf of: arn:aws:iam::111122223333:role/admin
From: 192.0.2.7
Account: 111122223333 (payments)
Region: eu-central-1
Organisation: shop
Owner: team-payments
Environment: production
Outcome: success
When: 2026-11-27 08:59:00 UTC
First seen: 2026-11-27 08:00:00 UTC
Last seen: 2026-11-27 09:00:00 UTC
Findings: 3
Episode: 2
Assignee: mary
Rule: Trail stopped (sample-rule)
ATT&CK: T1562.008
`},
		{yagura.OpClose, notify.TextOptions{Lang: notify.Japanese, Zone: tokyo}, "[高] 証跡の停止", "github:mary が完了にしました", `重大度: 高
状態: 完了, 担当者による完了, 真の脅威
操作: StopLogging
実行者: mary (arn:aws:iam::111122223333:user/mary)
元の主体: arn:aws:iam::111122223333:role/admin
送信元: 192.0.2.7
アカウント: 111122223333 (payments)
リージョン: eu-central-1
組織: shop
担当チーム: team-payments
環境: production
結果: 成功
発生日時: 2026-11-27 17:59:00 JST
初回: 2026-11-27 17:00:00 JST
最終: 2026-11-27 18:00:00 JST
検出数: 3
発生回数: 2
担当者: mary
ルール: Trail stopped (sample-rule)
ATT&CK: T1562.008
`},
	} {
		got := notify.NewText(notify.Sample(c.op), c.o)
		if got.Headline != c.headline || got.Lead != c.lead {
			t.Errorf("%s: headline %q, lead %q", c.op, got.Headline, got.Lead)
		}
		if d := cmp.Diff(c.facts, facts(got)); d != "" {
			t.Errorf("%s: facts (-want +got)\n%s", c.op, d)
		}
	}
	if got, want := notify.NewText(notify.Sample(yagura.OpRise), notify.TextOptions{}).Lead, "Severity rose from medium to high"; !strings.EqualFold(got, want) {
		t.Errorf("lead of a rise: %q", got)
	}
	if got, want := notify.NewText(notify.Sample(yagura.OpComment), notify.TextOptions{}).Entry,
		"2026-11-27 09:00:00 UTC · github:mary · note · we are looking at it (2026-11-27 08:59:00 UTC)"; got != want {
		t.Errorf("entry %q", got)
	}
}

// TestTextHostile gives every string of a notice a text that hides, misleads, is long and
// holds a secret: no piece may let it through.
func TestTextHostile(t *testing.T) {
	bad := "a\u202eb\x1b[31m\u200b\x00\xff\u2028" + ghToken + " password=hunter2 " + strings.Repeat("長", 3000)
	for _, op := range []yagura.Op{yagura.OpOpen, yagura.OpComment, yagura.OpClose, yagura.OpDigest} {
		n := notify.Sample(op)
		n.Text = bad
		if n.Issue != nil {
			i, f := n.Issue, n.Finding
			i.Title, i.TitleJA, i.SeverityOriginal, i.Account, i.Assignee, i.Rule.Title = bad, bad, bad, bad, bad, bad
			i.AccountInfo = yagura.AccountInfo{Name: bad, Owner: bad, Environment: bad, Organisation: bad}
			i.Labels, i.Links = []string{bad}, []yagura.Link{{Title: bad, URL: bad}}
			f.Output, f.Event.Action, f.Event.SrcIP, f.Event.Region, f.Caps = bad, bad, bad, bad, []string{bad}
			f.Event.Actor = yagura.Actor{ID: bad, Name: bad + "x", SessionOf: bad + "y"}
			n.Entry.Who, n.Entry.Text, n.Entry.What = bad, bad, yagura.EntryKind(bad)
			for range 100 {
				i.Entities = append(i.Entities, yagura.Entity{Type: bad, ID: bad})
				f.Why = append(f.Why, yagura.Why{Field: bad, Op: bad, Value: bad, Actual: bad})
			}
			f.Why[1] = yagura.Why{Field: "x.masterPassword", Value: "*", Actual: "hunter2"}
		}
		text := notify.NewText(n, notify.TextOptions{})
		var all strings.Builder
		fmt.Fprintf(&all, "%+v", *text)
		s := all.String()
		for _, no := range []string{ghToken, "hunter2", "\u202e", "\x1b", "\u200b", "\x00", "\u2028"} {
			if strings.Contains(s, no) {
				t.Errorf("%s: %q came through", op, no)
			}
		}
		if !utf8.ValidString(s) || len(s) > 500_000 {
			t.Errorf("%s: %d bytes, valid %v", op, len(s), utf8.ValidString(s))
		}
		for _, f := range text.Facts {
			if strings.ContainsAny(f.Value, "\n") || utf8.RuneCountInString(f.Value) > 1100 {
				t.Errorf("%s: fact %s is %q", op, f.Key, f.Value)
			}
		}
		if n.Issue != nil && (text.WhyMore == 0 || text.EntitiesMore == 0) {
			t.Errorf("%s: cut without saying so", op)
		}
	}
}

func TestCut(t *testing.T) {
	v := notify.Words(notify.English)
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"short", 10, "short"},
		{"長い文字", 4, "長い文字"},
		{strings.Repeat("a", 100), 40, strings.Repeat("a", 13) + "… (cut, 87 characters more)"},
	} {
		got := v.Cut(c.in, c.n)
		if got != c.want || utf8.RuneCountInString(got) > c.n {
			t.Errorf("Cut(%d) = %q, want %q", c.n, got, c.want)
		}
	}
}

func TestTechniques(t *testing.T) {
	got := notify.Techniques([]string{"attack.t1562.008", "attack.T1078", "attack.defense_evasion", "attack.t1562.008", "attack.t12", "attack.t1.345.78", "t1000", "attack.t1234567."})
	if d := cmp.Diff([]string{"T1562.008", "T1078"}, got); d != "" {
		t.Error(d)
	}
}

var layout = notify.Layout{
	Builtin: map[notify.Lang]string{
		notify.English:  `{{define "title"}}{{.Headline}}{{end}}{{define "body"}}{{range .Facts}}{{.Label}}: {{bold .Value}}{{"\n"}}{{end}}{{end}}`,
		notify.Japanese: `{{define "title"}}{{.Headline}}。{{end}}{{define "body"}}{{end}}`,
	},
	Escape: html.EscapeString,
	Funcs:  map[string]any{"bold": func(s string) notify.Safe { return notify.Safe("<b>" + html.EscapeString(s) + "</b>") }},
}

// TestTemplateEscapes: whatever a template's author writes, what others wrote is escaped.
func TestTemplateEscapes(t *testing.T) {
	n := notify.Sample(yagura.OpOpen)
	n.Issue.Title = "<i>x</i>"
	for _, c := range []struct{ in, want string }{
		{`{{.Title}}`, "&lt;i&gt;x&lt;/i&gt;"},
		{`{{$t := .Title}}{{$t}}`, "&lt;i&gt;x&lt;/i&gt;"},
		{`{{if .Open}}{{with .Title}}{{.}}{{else}}no{{end}}{{end}}`, "&lt;i&gt;x&lt;/i&gt;"},
		{`{{printf "%s!" .Title}}`, "&lt;i&gt;x&lt;/i&gt;!"},
		{`{{.Title | upper | cut 5}}`, "… (cut, "},
		{`{{bold .Title}}`, "<b>&lt;i&gt;x&lt;/i&gt;</b>"},
		{`{{print (bold .Title)}}`, "&lt;b&gt;&amp;lt;i&amp;gt;x&amp;lt;/i&amp;gt;&lt;/b&gt;"},
		{`{{range .Labels}}{{.}},{{end}}`, "team/payments,"},
		{`{{template "mine" .}}{{end}}{{define "mine"}}({{.Title}})`, "(&lt;i&gt;x&lt;/i&gt;)"},
	} {
		set, err := layout.Load(notify.English, "t.tmpl", `{{define "title"}}`+c.in+`{{end}}`)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		got, err := set.Render("title", notify.NewText(n, notify.TextOptions{}))
		if err != nil || !strings.HasPrefix(got, c.want) && got != c.want {
			t.Errorf("%s = %q (%v), want %q", c.in, got, err, c.want)
		}
	}
	set, err := layout.Load(notify.Japanese, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := set.Render("title", notify.NewText(n, notify.TextOptions{Lang: notify.Japanese})); got != "[高] 証跡の停止。" {
		t.Errorf("built in: %q", got)
	}
}

func TestTemplateErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"{{define \"title\"}}\n{{.Nothing}}{{end}}", "my.tmpl:2:"},
		{"{{define \"title\"}}\n\n{{.Title", "my.tmpl:3:"},
		{"{{define \"title\"}}{{nofunc .Title}}{{end}}", "my.tmpl:1:"},
		{"\n{{define \"titel\"}}x{{end}}", `my.tmpl:2: block "titel" is not known and nothing uses it (hint: the blocks are body, title)`},
		{"\n\nhello", "my.tmpl:"},
		{"{{define \"title\"}}{{template \"none\" .}}{{end}}", "my.tmpl:1:"},
		{"{{define \"title\"}}{{range .Facts}}{{printf \"%1000000d\" 1}}{{end}}{{end}}", "prints more than"},
		{"{{define \"title\"}}{{cut 0 .Title}}{{end}}", "cut 0"},
	} {
		if _, err := layout.Load(notify.English, "my.tmpl", c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.in, err, c.want)
		}
	}
	if _, err := layout.LoadFile(notify.English, "testdata/none.tmpl"); err == nil || !strings.Contains(err.Error(), "none.tmpl") {
		t.Errorf("missing file: %v", err)
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("a\u202eb\r\n\x00\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := notify.Visible(s)
		if again := notify.Visible(got); again != got || !utf8.ValidString(got) {
			t.Errorf("%q → %q → %q", s, got, again)
		}
		if strings.ContainsAny(notify.Line(s), "\n\r\t\u202e\u200b\x1b") {
			t.Errorf("line %q", notify.Line(s))
		}
	})
}
