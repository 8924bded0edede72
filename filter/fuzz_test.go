package filter

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/unicode/norm"
)

// FuzzParse: whatever the text, there is a query, whose canonical form is read as the same
// query, or there are faults that each have a place and are said in both languages.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`severity:>=high status:open account:1234 rule:"Root sign-in" seen:<24h "free text" -label:known`,
		`重大度：緊急、高　題名：「権限 昇格」 -ラベル：既知 発生日時：５/１〜`,
		`entity:user="a b",ip=1.2.3.4,* ip:10.0.0.0/8 count:1..9,>=5k seen:7d.. opened:..2026-05-01T10:00+09:00`,
		`rule:a\*b*\ c assignee:me,none,"me" *x* -"-" sev:low..high seen:"2026-05-01 10:00"..now`,
		`status:opn "x`, `a:b (status:open) AND`,
	} {
		f.Add(text, uint8(0))
	}
	lists := Lists()
	at := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		list := lists[int(n)%len(lists)]
		q, err := Parse(list, text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Faults) == 0 {
				t.Fatalf("an error without faults: %v", err)
			}
			for _, x := range e.Faults {
				if x.Start < 0 || x.End < x.Start || x.End > len(text) || x.Line < 1 || x.Column < 1 || x.Text == "" || x.Japanese == "" || (x.Hint == "") != (x.HintJapanese == "") {
					t.Errorf("a bad fault: %+v", x)
				}
			}
			return
		}
		printed := q.String()
		again, err := Parse(list, printed)
		if len(printed) > MaxText {
			return // quoting made it too long
		}
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, printed, err)
		}
		if diff := cmp.Diff(q.Terms, again.Terms, cmp.AllowUnexported(Value{}, moment{}), cmpopts.IgnoreTypes(Span{}), cmpopts.EquateComparable(netip.Prefix{})); diff != "" || again.String() != printed {
			t.Fatalf("%q is printed as %q, which is another query: %s", text, printed, diff)
		}
		for _, term := range q.At(at, time.UTC).Terms {
			if term.Start < 0 || term.End > len(text) || term.Start >= term.End {
				t.Errorf("a bad place: %+v", term)
			}
		}
	})
}

// FuzzFold: what is folded once stays as it is, and case and width make no difference.
func FuzzFold(f *testing.F) {
	for _, s := range []string{"Ａｂｃ", "ｶﾞ", "ß", "İ", "ΌΣΟΣ", "ͅα", "ガＡ〜ＭＦＡなし", "が゛㍻㌔", "\xff", "權限 監査"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := Fold(s); Fold(got) != got {
			t.Errorf("%q: %q, then %q", s, got, Fold(got))
		}
		if long := Fold(s + "é"); isEastAsian(norm.NFKC.String(s)) && utf8.ValidString(s) && long != Fold(s)+"é" {
			t.Errorf("%q: %q, but with another script %q", s, Fold(s), long)
		}
		if isASCII(s) && Fold(strings.ToUpper(s)) != Fold(s) {
			t.Errorf("%q: case makes a difference", s)
		}
	})
}
