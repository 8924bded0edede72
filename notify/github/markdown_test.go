package github

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/notify"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain text, 10.0.0.1 and 123456789012", "plain text, 10.0.0.1 and 123456789012"},
		{"@mary @org/team a@b.c", "@&#8203;mary @&#8203;org/team a@&#8203;b.c"},
		{"#1 GH-12 gh-3 o/r#4 # x", "#&#8203;1 GH-&#8203;12 gh-&#8203;3 o/r#&#8203;4 \\# x"},
		{"https://x.y WWW.x.y ftp://a", "https:&#8203;//x.y WWW&#8203;.x.y ftp:&#8203;//a"},
		{"commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 and abcdef1", "commit 2fd4e1&#8203;c67a2d&#8203;28fced&#8203;849ee1&#8203;bb76e7&#8203;391b93&#8203;eb12 and abcdef&#8203;1"},
		{"<!-- x --> <b> &lt; `c` *a* _b_ ~~c~~ [l](u) ![i](u) |t| $m$ \\", `&lt;\!-- x --&gt; &lt;b&gt; &amp;lt; \` + "`c\\`" + ` \*a\* \_b\_ \~\~c\~\~ \[l\]\(u\) \!\[i\]\(u\) \|t\| \$m\$ \\`},
		{"- a\n1. b\n    code\n---\n=== \n+ c", "\\- a<br>\n1\\. b<br>\n&nbsp;&nbsp;&nbsp;&nbsp;code<br>\n\\---<br>\n\\=== <br>\n\\+ c"},
		{"a\u202eb\u200bc", `a\\u202eb\\u200bc`},
		{"日本語 - です", "日本語 - です"},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("Escape(%q)\n got  %s\n want %s", c.in, got, c.want)
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct {
		in   string
		want notify.Safe
	}{
		{"", ""}, {"a", "`a`"}, {"a`b``c", "```a`b``c```"}, {"`a", "`` `a ``"}, {"a\nb", "`a b`"}, {"@mary #1 <!-- -->", "`@mary #1 <!-- -->`"},
	} {
		if got := code(c.in); got != c.want {
			t.Errorf("code(%q) = %s, want %s", c.in, got, c.want)
		}
	}
	if got, want := fence("a\n```\nb"), notify.Safe("````text\na\n```\nb\n````"); got != want {
		t.Errorf("fence: %s", got)
	}
	for _, c := range []struct{ title, target, want string }{
		{"Run [book]", "https://e.example/x?a=@b", `[Run \[book\]](https://e.example/x?a=%40b)`},
		{"x", "javascript:alert(1)", "x `javascript:alert(1)`"},
		{"x", "https://e.example/a) @mary", "x `https://e.example/a) @mary`"},
	} {
		if got := anchor(c.title, c.target); string(got) != c.want {
			t.Errorf("anchor %s", got)
		}
	}
}

func TestFit(t *testing.T) {
	v := notify.Words(notify.English)
	long := strings.Repeat("word word\n", 200)
	for _, c := range []struct{ name, in string }{
		{"lines", long},
		{"one line", strings.Repeat("長", 3000)},
		{"open fence", "head\n````text\n" + long},
		{"open details", "<details>\n\n" + long},
		{"endless fence", "head\n" + strings.Repeat("`", 700) + "\n" + long},
	} {
		got := fit(c.in, 1500, v)
		if len(got) > 1500 || !strings.HasSuffix(got, "characters more)**\n") || !utf8.ValidString(got) {
			t.Errorf("%s: %d bytes: …%s", c.name, len(got), got[max(0, len(got)-80):])
		}
		if strings.Count(got, "````")%2 != 0 || strings.Count(got, "<details>") != strings.Count(got, "</details>") {
			t.Errorf("%s: left open: %s", c.name, got)
		}
	}
	if got := fit("short", 1500, v); got != "short" {
		t.Error(got)
	}
}

func TestMarks(t *testing.T) {
	body := issueMarks("01ABC", "01DEF", 1) + "\n<!-- yagura:issue=01EVIL v=1 -->"
	if m := readMarks(body); m != (marks{issue: "01ABC", notice: "01DEF", refiled: 1}) {
		t.Errorf("%+v", m)
	}
	for _, s := range []string{"", "x <!-- yagura:issue=01A v=1 -->", "\n<!-- yagura:issue=01A v=1 -->", "> <!-- yagura:notice=01A -->", "<!-- yagura:issue=01A"} {
		if m := readMarks(s); m != (marks{}) {
			t.Errorf("%q: %+v", s, m)
		}
	}
	w := wish{Seq: 3, Open: true, Title: "a --> b", Labels: []string{"x", "-->"}, Assignee: "mary"}
	for k := range 30 {
		w.add(int64(k), strings.Repeat("--> 長い", 500))
	}
	got, ok := readWish("text\n\n" + w.line() + "\n")
	if !ok || got.Title != w.Title || len(got.Entries) == 0 || got.Entries[len(got.Entries)-1].Seq != 29 {
		t.Errorf("%v %+v", ok, got)
	}
	if strings.Count(w.line(), "-->") != 1 || len(w.line()) > 40_000 {
		t.Errorf("the line has %d bytes", len(w.line()))
	}
}

var linked = map[string]*regexp.Regexp{
	"mention":   regexp.MustCompile(`@[A-Za-z0-9_]`),
	"reference": regexp.MustCompile(`#\d|(?i:gh)-\d`),
	"link":      regexp.MustCompile(`(?i)://\S|www\.`),
	"commit":    regexp.MustCompile(`(?:^|[^0-9A-Za-z_])(?:[0-9a-f]{6,39}[a-f]|[0-9a-f]*[a-f][0-9a-f]{6,38})(?:[^0-9A-Za-z_]|$)`),
}

// FuzzEscape escapes anything and reads the outcome as Markdown and GitHub would: no mark of
// Markdown stays unescaped, nothing is linked, and what is shown is what was written.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"@a #1 GH-1 https://a.b www.a.b a@b.c <!-- --> `x` \\", "1. a\n- b\n> c\n    d", "\t#x", "a\\`b", "&amp;&#64;", "abcdef0 0abcdef", "\u202e\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		var shown strings.Builder
		for i := 0; i < len(got); i++ {
			switch c := got[i]; {
			case c == '\\' && i+1 < len(got) && strings.IndexByte("\\`*_{}[]()#+-.!|~$^=", got[i+1]) >= 0:
				i++
				shown.WriteByte(got[i])
			case strings.IndexByte("\\`*_{}[]()!|~$^>", c) >= 0:
				t.Fatalf("%q: %q at %d is not escaped in %q", s, c, i, got)
			case c == '<':
				if !strings.HasPrefix(got[i:], "<br>\n") {
					t.Fatalf("%q: HTML in %q", s, got)
				}
				i += len("<br>") - 1
			default:
				shown.WriteByte(c)
			}
		}
		plain := html.UnescapeString(shown.String())
		for name, re := range linked {
			for line := range strings.SplitSeq(plain, "\n") {
				if m := re.FindString(line); m != "" {
					t.Fatalf("%q: %s %q in %q", s, name, m, got)
				}
			}
		}
		want := strings.ReplaceAll(notify.Visible(s), "\t", " ")
		read := strings.NewReplacer("\u200b", "", "\u00a0", " ").Replace(plain)
		if read != strings.ReplaceAll(want, "\u00a0", " ") {
			t.Fatalf("%q is shown as %q", want, read)
		}
		for line := range strings.SplitSeq(got, "<br>\n") {
			if regexp.MustCompile(`^\s|^(\d+[.)]|[-+=>]|#{1,6}(\s|$))`).MatchString(line) {
				t.Fatalf("%q: a block begins in %q", s, line)
			}
		}
		if c := string(code(s)); c != "" {
			run := len(c) - len(strings.TrimLeft(c, "`"))
			inner := c[run : len(c)-run]
			if longest(inner) >= run || strings.ContainsAny(c, "\n") || !strings.HasSuffix(c, strings.Repeat("`", run)) {
				t.Fatalf("code(%q) = %q", s, c)
			}
		}
	})
}

// FuzzFit cuts anything: it stays below the limit and is valid.
func FuzzFit(f *testing.F) {
	f.Add("a\n```\nb", 1000)
	f.Add("<details>\n````\n</details>\n", 700)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 700 || n > 5000 {
			t.Skip()
		}
		long := strings.Repeat(s+"\n", 1+6000/(len(s)+1))
		if got := fit(long, n, notify.Words(notify.Japanese)); len(got) > n && len(long) > n {
			t.Errorf("%d bytes of %d", len(got), n)
		}
	})
}

// FuzzMarks reads anything as a first or last line.
func FuzzMarks(f *testing.F) {
	f.Add(issueMarks("a", "b", 2) + "\n" + wish{Title: "x"}.line())
	f.Fuzz(func(t *testing.T, s string) {
		m := readMarks(s)
		for _, id := range []string{m.issue, m.notice, m.status, m.duplicate} {
			if id != "" && !plainID(id) {
				t.Errorf("id %q", id)
			}
		}
		if w, ok := readWish(s); ok {
			if _, again := readWish(w.line()); !again {
				t.Errorf("%+v cannot be read again", w)
			}
		}
		if r, err := parseRef(s); err == nil {
			if again, err := parseRef(r.String()); err != nil || again != r {
				t.Errorf("%q is %v", s, r)
			}
		}
	})
}
