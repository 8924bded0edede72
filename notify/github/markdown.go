package github

import (
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/notify"
)

// zero is a zero-width space: between the characters that GitHub would join to a mention, a
// reference or a link. In the body it is written as an entity, so that the source shows it.
const zero = "&#8203;"

// Escape makes a text of somebody else plain text in GitHub's Markdown: it formats nothing,
// opens no HTML, comment, code or table, and GitHub makes no mention (@user, @org/team),
// reference (#1, GH-1, owner/repo#1, a commit) and no link (https://, www., mail address) of
// it. Lines stay lines.
func Escape(s string) string {
	s = notify.Visible(s)
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	for k, line := range strings.Split(s, "\n") {
		if k > 0 {
			// A line end that Markdown keeps; a blank line would end a list or a table.
			b.WriteString("<br>\n")
		}
		escapeLine(&b, line)
	}
	return b.String()
}

func escapeLine(b *strings.Builder, s string) {
	// Spaces at the start would make code of a line.
	for strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\t") {
		b.WriteString("&nbsp;")
		s = s[1:]
	}
	begin := true // nothing but digits was written in this line
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '!', '|', '~', '$', '^':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '@':
			b.WriteString("@" + zero)
		case '#':
			if i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
				b.WriteString("#" + zero)
			} else {
				b.WriteString(`\#`)
			}
		case '-', '+', '=', '.':
			// Lists, headings and rules begin like this.
			if begin {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
			if c == '-' && i >= 2 && (s[i-2]|0x20) == 'g' && (s[i-1]|0x20) == 'h' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
				b.WriteString(zero)
			}
		case ':':
			b.WriteByte(':')
			if strings.HasPrefix(s[i:], "://") {
				b.WriteString(zero)
			}
		case '\t':
			b.WriteByte(' ')
		default:
			if n := commit(s, i); n > 0 {
				// In pieces of six: seven digits could be a commit again.
				for k := i; k < i+n; k += 6 {
					if k > i {
						b.WriteString(zero)
					}
					b.WriteString(s[k:min(k+6, i+n)])
				}
				i += n - 1
				begin = false
				continue
			}
			if (c == 'w' || c == 'W') && len(s) > i+3 && strings.EqualFold(s[i:i+4], "www.") {
				b.WriteString(s[i:i+3] + zero + ".")
				i += 3
				begin = false
				continue
			}
			_, n := utf8.DecodeRuneInString(s[i:])
			b.WriteString(s[i : i+n])
			i += n - 1
		}
		if c < '0' || c > '9' {
			begin = false
		}
	}
}

// commit returns the length of what begins at i and could be the id of a commit: 7 to 40
// hexadecimal digits that are a word. Numbers alone (an account's) are left whole.
func commit(s string, i int) int {
	word := func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
	}
	if i > 0 && word(s[i-1]) {
		return 0
	}
	n, letter := 0, false
	for i+n < len(s) && n <= 40 {
		c := s[i+n]
		if c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
			letter = true
		} else if c < '0' || c > '9' {
			break
		}
		n++
	}
	if n < 7 || n > 40 || !letter || i+n < len(s) && word(s[i+n]) {
		return 0
	}
	return n
}

// code makes a code span of a text: GitHub links and mentions nothing in it, and it can be
// copied as it is.
func code(s string) notify.Safe {
	s = notify.Line(s)
	if s == "" {
		return ""
	}
	fence := strings.Repeat("`", longest(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return notify.Safe(fence + s + fence)
}

// fence makes a code block of a text of several lines.
func fence(s string) notify.Safe {
	s = strings.Trim(notify.Visible(s), "\n")
	if s == "" {
		return ""
	}
	f := strings.Repeat("`", max(3, longest(s)+1))
	return notify.Safe(f + "text\n" + s + "\n" + f)
}

// longest returns the length of the longest run of backticks.
func longest(s string) int {
	most, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		most = max(most, run)
	}
	return most
}

// anchor makes a link to a page of the team's own (a runbook); only https and http are, and
// anything else is shown as text.
func anchor(title, target string) notify.Safe {
	if !strings.HasPrefix(target, "https://") && !strings.HasPrefix(target, "http://") {
		return notify.Safe(Escape(title)) + " " + code(target)
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"'`()[]\\{}|^", c) >= 0 {
			return notify.Safe(Escape(title)) + " " + code(target)
		}
	}
	return notify.Safe("[" + Escape(notify.Line(title)) + "](" + strings.ReplaceAll(target, "@", "%40") + ")")
}

// plainTitle makes a title: GitHub shows it as it is, but its mails and other programs may
// read a mention in it.
func plainTitle(s string) string {
	s = notify.Line(s)
	s = strings.ReplaceAll(s, "@", "@\u200b")
	return notify.Words(notify.English).Cut(s, maxTitle)
}

// The limits of GitHub. It counts characters; bytes are never fewer, so a text that stays
// below in bytes stays below in any count.
const (
	maxTitle = 256
	maxBody  = 65536
)

// fit cuts a body to at most n bytes at the end of a line, says so, and closes what the cut
// left open.
func fit(s string, n int, v *notify.Vocabulary) string {
	if len(s) <= n {
		return s
	}
	const room = 600 // for the sign and what is closed
	keep := max(0, n-room)
	for keep > 0 && !utf8.RuneStart(s[keep]) {
		keep--
	}
	if k := strings.LastIndexByte(s[:keep], '\n'); k > 0 {
		keep = k
	} else {
		// One endless line: an entity or a code span may be cut in two. Nothing of it is kept.
		keep = 0
	}
	head := s[:keep]
	// An open fence or block would swallow the sign.
	var open string
	details := 0
	for line := range strings.SplitSeq(head, "\n") {
		t := strings.TrimLeft(line, " ")
		if run := len(t) - len(strings.TrimLeft(t, "`")); run >= 3 {
			switch {
			case open == "":
				open = t[:run]
			case run >= len(open) && strings.Trim(t, "` ") == "":
				open = ""
			}
		}
		if open == "" {
			details += strings.Count(line, "<details>") - strings.Count(line, "</details>")
		}
	}
	var tail strings.Builder
	if open != "" {
		if len(open) > room/2 {
			// A fence that long is an attack on this cut: leave its block out.
			if k := strings.LastIndex(head, "\n"+open); k >= 0 {
				head = head[:k]
			}
		} else {
			tail.WriteString("\n" + open)
		}
	}
	for range min(max(details, 0), 10) {
		tail.WriteString("\n</details>")
	}
	left := utf8.RuneCountInString(s[len(head):])
	return head + tail.String() + "\n\n" + "**… (" + strings.Replace(v.CutShort, "%d", itoa(left), 1) + ")**\n"
}
