package slack

import (
	"net/url"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/notify"
)

// layout is what a [notify.Text] looks like at Slack, in its mrkdwn. A user's template may
// replace single blocks.
var layout = notify.Layout{
	Builtin: map[notify.Lang]string{notify.English: builtin, notify.Japanese: builtin},
	Escape:  Escape,
	Funcs: template.FuncMap{
		"code": func(s string) notify.Safe { return notify.Safe(Code(s)) },
		"pre":  func(s string) notify.Safe { return notify.Safe(Pre(s)) },
		"link": func(u, title string) notify.Safe { return notify.Safe(Link(u, title)) },
	},
}

// builtin serves both languages: all words come from the vocabulary.
const builtin = `
{{- define "fallback"}}{{.Headline}}{{if and .Lead (ne .Lead .Title)}} – {{.Lead}}{{end}}{{end}}
{{- define "body"}}{{with .What}}{{pre .}}
{{end}}{{range .Facts}}*{{.Label}}:* {{if .Code}}{{code .Value}}{{else}}{{.Value}}{{end}}
{{end}}{{if .Entities}}*{{.Words.Entities}}:* {{range $i, $e := .Entities}}{{if $i}}, {{end}}{{$e.Label}} {{code $e.ID}}{{end}}{{if .EntitiesMore}} (+{{.EntitiesMore}}){{end}}
{{end}}{{if .Why}}*{{.Words.Why}}:*
{{range .Why}}• {{code .Field}} {{.Op}}{{with .Value}} {{code .}}{{end}}{{with .Actual}} → {{code .}}{{end}}
{{end}}{{if .WhyMore}}(+{{.WhyMore}})
{{end}}{{end}}{{range .Caps}}• {{.}}
{{end}}{{if .Labels}}*{{.Words.Labels}}:* {{range $i, $l := .Labels}}{{if $i}}, {{end}}{{code $l}}{{end}}
{{end}}{{if .Links}}*{{.Words.Links}}:* {{range $i, $l := .Links}}{{if $i}}, {{end}}{{link $l.URL $l.Title}}{{end}}
{{end}}{{end}}
{{- define "reply"}}*{{.Lead}}*
{{if .Comment}}{{pre .Comment}}
{{else if .Entry}}{{code .Entry}}
{{end}}{{end}}
{{- define "ask"}}{{with .What}}{{pre .}}
{{end}}{{range .Facts}}{{if or (eq .Key "action") (eq .Key "who") (eq .Key "from") (eq .Key "account") (eq .Key "region") (eq .Key "when")}}*{{.Label}}:* {{if .Code}}{{code .Value}}{{else}}{{.Value}}{{end}}
{{end}}{{end}}{{end}}
{{- define "note"}}{{if .Comment}}{{pre .Comment}}{{else}}{{.Lead}}{{end}}
{{end}}`

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// joiner is shown as nothing and keeps what stands around it from being markup.
const joiner = "\u2060"

// Escape makes a text of somebody else say in mrkdwn what it says: no mention, link, emoji,
// emphasis, code or quote comes of it. Slack has no escapes for its markup, so look-alikes
// and a joiner of no width stand where a sign would mean something; in names such as
// my_role_2 nothing changes.
func Escape(s string) string {
	if !strings.ContainsAny(s, "&<>*_~`:") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	start := true
	for i, r := range s {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			if start {
				b.WriteString(joiner)
			}
			b.WriteString("&gt;")
		case '`':
			b.WriteString("ˋ")
		case '*':
			b.WriteString("∗")
		case '~':
			b.WriteString("∼")
		case '_':
			next, _ := utf8.DecodeRuneInString(s[i+1:])
			before, _ := utf8.DecodeLastRuneInString(s[:i])
			if inWord(before) && inWord(next) {
				b.WriteByte('_')
			} else {
				b.WriteString(joiner + "_" + joiner)
			}
		case ':':
			b.WriteString(":")
			next, _ := utf8.DecodeRuneInString(s[i+1:])
			before, _ := utf8.DecodeLastRuneInString(s[:i])
			if i+1 < len(s) && next != ' ' && (!unicode.IsDigit(before) || !unicode.IsDigit(next)) {
				b.WriteString(joiner)
			}
		default:
			b.WriteRune(r)
		}
		start = r == '\n' || start && r == ' '
	}
	return b.String()
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// Code puts one line into a code span, out of which nothing breaks.
func Code(s string) string {
	s = strings.TrimSpace(strings.NewReplacer("\n", " ", "\r", " ").Replace(s))
	if s == "" {
		return ""
	}
	return "`" + entities.Replace(strings.ReplaceAll(s, "`", "ˋ")) + "`"
}

// Pre puts several lines into a code block. Its fences stand on lines of their own.
func Pre(s string) string {
	s = strings.Trim(strings.ReplaceAll(s, "\r", ""), "\n")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return fence + "\n" + entities.Replace(strings.ReplaceAll(s, "`", "ˋ")) + "\n" + fence
}

const fence = "```"

// Link makes a link, or the title alone where the address is none of http or https.
func Link(address, title string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(address) > 2000 {
		return Escape(title)
	}
	safe := strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C", " ", "%20", "`", "%60").Replace(u.String())
	title = strings.NewReplacer("|", "¦", "\n", " ").Replace(title)
	if strings.TrimSpace(title) == "" {
		title = u.Host
	}
	return "<" + safe + "|" + Escape(title) + ">"
}

// size counts as Slack does, in UTF-16 units, which is never less than characters.
func size(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

// split cuts a rendered text into pieces of at most limit, between lines. A code block or
// code span that is cut ends and begins again; an entity such as &lt; stays whole.
func split(text string, limit int) []string {
	var out []string
	var b strings.Builder
	used, fenced := 0, false
	flush := func() {
		s := b.String()
		if fenced {
			s += fence
		}
		if strings.Trim(s, "`\n ") != "" {
			out = append(out, strings.TrimRight(s, "\n"))
		}
		b.Reset()
		used = 0
		if fenced {
			b.WriteString(fence + "\n")
			used = len(fence) + 1
		}
	}
	room := limit - len(fence) - 1
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if line == fence {
			if used+len(fence)+1 > room {
				flush()
			}
			b.WriteString(line + "\n")
			used += len(fence) + 1
			fenced = !fenced
			continue
		}
		for {
			head, tail := cutLine(line, room-8, fenced)
			n := size(head) + 1
			if used+n > room {
				flush()
			}
			b.WriteString(head + "\n")
			used += n
			if tail == "" {
				break
			}
			line = tail
		}
	}
	fenced = false
	flush()
	return out
}

// cutLine cuts one line that is longer than limit.
func cutLine(line string, limit int, fenced bool) (head, tail string) {
	if len(line) <= limit || size(line) <= limit {
		return line, ""
	}
	n, at := 0, 0
	for i, r := range line {
		if n >= limit-1 {
			break
		}
		if n++; r > 0xffff {
			n++
		}
		at = i
	}
	if amp := strings.LastIndexByte(line[:at], '&'); amp > 0 && at-amp < 6 && !strings.Contains(line[amp:at], ";") {
		at = amp
	}
	head, tail = line[:at], line[at:]
	if !fenced && strings.Count(head, "`")%2 == 1 {
		head, tail = head+"`", "`"+tail
	}
	return head, tail
}

// CheckTemplate says what is wrong with a file of templates.
func CheckTemplate(lang notify.Lang, file string) error {
	_, err := layout.LoadFile(lang, file)
	return err
}
