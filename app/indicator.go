package app

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/slot"
)

// The bounds of a search for indicators.
const (
	maxIndicators     = 200_000
	maxIndicatorBytes = 32 << 20
	maxIndicator      = 2048
	minIndicator      = 4 // characters; shorter ones are in every record
)

// indicatorRule is the id of the rule that a search for indicators makes.
const indicatorRule = "yagura.retro.indicator"

// ReadIndicators reads indicators: values as they are given, and files (a name that is one)
// with one a line, # before a comment. Values that were made harmless for people are read
// as they were: 192.0.2[.]1, hxxps://.
func ReadIndicators(words []string) ([]string, error) {
	seen := map[string]bool{}
	var out []string
	add := func(where, text string) error {
		text = refang(strings.TrimSpace(text))
		if hint := otherForm(text); hint != "" {
			return fmt.Errorf("%s: %.80q is no indicator (hint: %s)", where, text, hint)
		}
		switch {
		case text == "" || seen[text]:
			return nil
		case len(text) > maxIndicator:
			return fmt.Errorf("%s: an indicator of %d bytes (hint: at most %d)", where, len(text), maxIndicator)
		case !utf8.ValidString(text):
			return fmt.Errorf("%s: an indicator that is not UTF-8", where)
		case utf8.RuneCountInString(text) < minIndicator:
			return fmt.Errorf("%s: the indicator %q is too short to mean anything (hint: at least %d characters)", where, text, minIndicator)
		case len(out) == maxIndicators:
			return fmt.Errorf("%s: more than %d indicators", where, maxIndicators)
		}
		if _, err := netip.ParsePrefix(text); err == nil {
			return fmt.Errorf("%s: %s is a network, not an address (hint: yagura hunt asks for networks, with ipv4_is_in_range)", where, text)
		}
		seen[text] = true
		out = append(out, text)
		return nil
	}
	for _, w := range words {
		info, err := os.Stat(w)
		if err != nil || info.IsDir() {
			if err := add("--indicator", w); err != nil {
				return nil, err
			}
			continue
		}
		if info.Size() > maxIndicatorBytes {
			return nil, fmt.Errorf("%s: more than %d bytes of indicators", w, maxIndicatorBytes)
		}
		data, err := os.ReadFile(w)
		if err != nil {
			return nil, err
		}
		data = bytes.TrimPrefix(data, []byte("\ufeff")) // as some editors begin a file
		sc := bufio.NewScanner(bytes.NewReader(data))
		for n := 1; sc.Scan(); n++ {
			line, _, _ := strings.Cut(sc.Text(), " #")
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			if err := add(fmt.Sprintf("%s:%d", w, n), line); err != nil {
				return nil, err
			}
		}
		if err := sc.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", w, err)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("there is no indicator in what was given")
	}
	return out, nil
}

// otherForm says what to do with a line of a file that lists indicators in another form; "" when
// it is not one. Taken for an indicator it would be found nowhere, and nobody would know.
func otherForm(text string) string {
	const hint = "one value a line is read; yagura watchlist import reads tables, and hunts join with them"
	if text[:min(len(text), 1)] == "{" && strings.Contains(text, `"`) || strings.HasPrefix(text, "[{") {
		return "this is JSON: " + hint
	}
	for _, sep := range []string{",", ";", "\t"} {
		first, rest, more := strings.Cut(text, sep)
		if more && !strings.HasPrefix(rest, " ") && isValue(strings.Trim(first, `" `)) {
			return "this is a line of a table: " + hint
		}
	}
	return ""
}

// isValue reports whether a text is an address, a domain or a hash. URLs may have commas of
// their own.
func isValue(text string) bool {
	text = refang(text)
	_, err := hex.DecodeString(text)
	if err == nil && len(text) >= 32 {
		return true
	}
	_, err = netip.ParseAddr(text)
	return err == nil || strings.Contains(text, ".") && !strings.ContainsAny(text, " /:=()")
}

// fanged are the marks that people put in place of those that make a link.
var fanged = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[DOT]", ".", "(DOT)", ".",
	"[:]", ":", "[://]", "://", "[@]", "@", "[at]", "@", "(at)", "@", "[AT]", "@", "(AT)", "@")

// refang undoes what people write so that nobody clicks.
func refang(text string) string {
	text = fanged.Replace(text)
	for _, p := range [][2]string{{"hxxps://", "https://"}, {"hxxp://", "http://"}} {
		if len(text) >= len(p[0]) && strings.EqualFold(text[:len(p[0])], p[0]) {
			text = p[1] + text[len(p[0]):]
		}
	}
	if inner := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"); len(inner) == len(text)-2 {
		if _, err := netip.ParseAddr(inner); err == nil {
			return inner // an IPv6 address as it stands before a port
		}
	}
	return text
}

// IndicatorRules makes the rule that looks for indicators, in any case, in every text of a
// record and in its keys. An indicator is a term: 192.0.2.1 is not found in 192.0.2.10, and
// example.com is in www.example.com.
func IndicatorRules(indicators []string) *Rules {
	args := make([]query.Arg, len(indicators))
	h := sha256.New()
	find := terms{}
	for i, text := range indicators {
		args[i] = query.Arg{Text: text}
		fmt.Fprintf(h, "%d:%s", len(text), text)
		find.add(text)
	}
	// The index finds records by the first condition; the second is asked of those only.
	r := &rule.Rule{ID: indicatorRule, Title: "Indicator met in the past", Engine: yagura.EngineBuiltin, File: "retro",
		Severity: yagura.SeverityMedium, SeverityOriginal: "medium", Description: "A value that was searched for stands in a record.",
		When: &query.And{X: []query.Expr{
			&query.Pred{Op: query.Keyword, Args: args, Fold: true, Clause: "indicator", Field: query.Field{Name: "record"}},
			&query.Pred{Op: query.Func, Test: find.in, OpName: "has term", Clause: "indicator",
				Field: query.Field{Name: "record", Conv: query.ConvRaw, Paths: []slot.Path{{Exact: true}}}}}},
		SideCar: rule.SideCar{Kind: yagura.Behaviour}}
	r.Japanese.Title = "過去のログにインジケーターを検出"
	return &Rules{Rules: []*rule.Rule{r}, Hash: hex.EncodeToString(h.Sum(nil)), byRef: map[string]*rule.Rule{refKey(r.ID, r.Title, r.File): r}}
}

// IndicatorMay returns a quick look at a record as it was received: false says that it holds
// none of the indicators, whatever is an escape in it.
func IndicatorMay(indicators []string) func(raw []byte) bool {
	var grams [1 << 13]uint64 // of the first bytes of indicators, by hash
	find := terms{}
	for _, text := range indicators {
		b := query.AppendFold(nil, []byte(text))
		if bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r >= utf8.RuneSelf || r == '"' || r == '\\' || r == '/' }) {
			return nil // it may stand in a record in another spelling
		}
		find.add(text)
		h := gram(binary.LittleEndian.Uint32(b))
		grams[h>>6] |= 1 << (h & 63)
	}
	return func(raw []byte) bool {
		var w uint32
		for i, c := range raw {
			switch {
			case 'A' <= c && c <= 'Z':
				c += 'a' - 'A'
			case c >= utf8.RuneSelf: // it may fold to a letter
				return true
			case c == '\\' && i+1 < len(raw) && raw[i+1] == 'u':
				return true
			}
			w = w>>8 | uint32(c)<<24
			if h := gram(w); i >= minIndicator-1 && grams[h>>6]>>(h&63)&1 != 0 && find.plain(raw[i-minIndicator+1:], w) {
				return true
			}
		}
		return false
	}
}

// plain reports whether a text begins with one of the words, ASCII letters in any case; w is
// its first bytes, folded.
func (t terms) plain(text []byte, w uint32) bool {
	var k [minIndicator]byte
	binary.LittleEndian.PutUint32(k[:], w)
	return slices.ContainsFunc(t[k], func(word []byte) bool {
		return len(word) <= len(text) && bytes.EqualFold(word, text[:len(word)])
	})
}

// gram is the hash of four bytes, 19 bits of it.
func gram(w uint32) uint32 { return w * 0x9e3779b1 >> 13 }

// terms finds words in a text where no letter or digit touches them, by their first bytes.
type terms map[[minIndicator]byte][][]byte

func (t terms) add(word string) {
	b := query.AppendFold(nil, []byte(word))
	k := [minIndicator]byte(b[:minIndicator])
	t[k] = append(t[k], b)
}

// in reports whether a record, as compact JSON, holds one of the words.
func (t terms) in(record []byte) bool {
	text := query.AppendFold(nil, slot.Unescape(nil, record))
	for i := 0; i+minIndicator <= len(text); i++ {
		for _, word := range t[[minIndicator]byte(text[i:i+minIndicator])] {
			if bytes.HasPrefix(text[i:], word) && alone(text, i, i+len(word)) {
				return true
			}
		}
	}
	return false
}

// alone reports whether what stands between from and to is a term of its own.
func alone(text []byte, from, to int) bool {
	first, _ := utf8.DecodeRune(text[from:])
	last, _ := utf8.DecodeLastRune(text[:to])
	before, _ := utf8.DecodeLastRune(text[:from])
	after, _ := utf8.DecodeRune(text[to:])
	switch {
	case from > 0 && joins(first) && joins(before):
		return false
	case after == ':' && to+1 < len(text) && isHex(text[to+1]) && isIPv6(text[from:to]): // an address goes on
		return false
	case last == ':' && to < len(text) && isHex(text[to]) && isIPv6(text[from:to]):
		return false
	case to == len(text) || !joins(last):
		return true
	case joins(after):
		return false
	}
	return !(isDigit(last) && after == '.' && to+1 < len(text) && isDigit(rune(text[to+1]))) // an address goes on
}

func joins(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || c == ':' }

func isIPv6(text []byte) bool {
	a, err := netip.ParseAddr(string(text))
	return err == nil && a.Is6()
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
