package slack_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/notify/slack"
)

func TestEscape(t *testing.T) {
	const j = "\u2060"
	for in, want := range map[string]string{
		"plain text, nothing more":      "plain text, nothing more",
		"<!channel> <@U1> <http://x|y>": "&lt;!channel&gt; &lt;@U1&gt; &lt;http:" + j + "//x|y&gt;",
		"&lt;!here&gt;":                 "&amp;lt;!here&amp;gt;",
		"*b* ~s~ `c`":                   "∗b∗ ∼s∼ ˋcˋ",
		"_i_ my_role_2":                 j + "_" + j + "i" + j + "_" + j + " my_role_2",
		"> quote\n > quote\na > b":      j + "&gt; quote\n " + j + "&gt; quote\na &gt; b",
		":fire: 12:30: end":             ":" + j + "fire: 12:30: end",
	} {
		if got := slack.Escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := slack.Code("a`b <@U1>\nc"); got != "`aˋb &lt;@U1&gt; c`" {
		t.Errorf("%q", got)
	}
	if got := slack.Pre("a\n```\n<!here>"); got != "```\na\nˋˋˋ\n&lt;!here&gt;\n```" {
		t.Errorf("%q", got)
	}
	for in, want := range map[string]string{
		"https://example.com/a?b=1&c=2": "<https://example.com/a?b=1&amp;c=2|T>",
		"https://e.com/|x><!channel>":   "<https://e.com/%7Cx%3E%3C%21channel%3E|T>",
		"javascript:alert(1)":           "T",
		"https://user:pw@example.com":   "T",
		"//example.com":                 "T",
	} {
		if got := slack.Link(in, "T"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"hello &lt;b&gt; &amp;amp;":                    "hello <b> &amp;",
		"<@U123> and <@U123|mary>":                     "@U123 and @mary",
		"<#C1|general> <!here> <!subteam^S1|@team>":    "#general @here @team",
		"<https://a.example|text> <https://b.example>": "text (https://a.example) https://b.example",
	} {
		if got := slack.Plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzText: whatever a text holds, nothing of it is a control sequence of Slack's, pieces
// are within their limit, code spans and blocks are closed, and nothing is lost.
func FuzzText(f *testing.F) {
	f.Add("a <!channel> `b` ```\nc\n```", uint16(100))
	f.Add(strings.Repeat("&", 500)+"\n"+strings.Repeat("長い`", 300), uint16(64))
	f.Add("\n\n``\n&lt;😀"+strings.Repeat("😀", 200), uint16(80))
	f.Fuzz(func(t *testing.T, s string, limit uint16) {
		if !utf8.ValidString(s) || len(s) > 20000 {
			return
		}
		n := 64 + int(limit)%3000
		escaped := slack.Escape(s)
		code, pre := slack.Code(s), slack.Pre(s)
		for _, text := range []string{escaped, code, pre} {
			if strings.ContainsAny(text, "<>") {
				t.Fatalf("%q holds < or >", text)
			}
		}
		if strings.Contains(escaped, "`") || strings.Contains(strings.Trim(code, "`"), "`") || strings.Contains(strings.Trim(pre, "`\n"), "`") {
			t.Fatalf("a backtick: %q %q %q", escaped, code, pre)
		}
		body := escaped + "\n" + pre + "\n*x:* " + code + "\n"
		pieces := slack.Split(body, n)
		kept := func(s string) string { return strings.NewReplacer("`", "", "\n", "", " ", "").Replace(s) }
		if got := kept(strings.Join(pieces, "")); got != kept(body) {
			t.Fatalf("lost in pieces:\n%q\n%q", got, kept(body))
		}
		for _, p := range pieces {
			units := 0
			for _, r := range p {
				if units++; r > 0xffff {
					units++
				}
			}
			if units > n {
				t.Fatalf("a piece of %d, limit %d: %q", units, n, p)
			}
			if strings.Count(p, "```")%2 != 0 || strings.Count(strings.ReplaceAll(p, "```", ""), "`")%2 != 0 {
				t.Fatalf("not closed: %q", p)
			}
			for rest := p; ; {
				i := strings.IndexByte(rest, '&')
				if i < 0 {
					break
				}
				if rest = rest[i:]; !strings.HasPrefix(rest, "&amp;") && !strings.HasPrefix(rest, "&lt;") && !strings.HasPrefix(rest, "&gt;") {
					t.Fatalf("an entity is cut: %q", p)
				}
				rest = rest[1:]
			}
		}
	})
}
