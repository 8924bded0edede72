package notify

import (
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

// Bounds are how much of a notice is kept: runes of one text, members of one list.
type Bounds struct{ Text, List int }

// Plain copies a notice for sinks that write it as data: secrets masked in every text
// and hidden characters written out, texts and lists within bounds, and times that JSON cannot write as the zero time. Texts
// that were cut say so; cut counts them and the lists that are shorter now. Nothing of n is
// changed or shared.
func Plain(n *yagura.Notice, b Bounds) (out *yagura.Notice, cut int) {
	return (&plainer{b: b, mask: true}).notice(n)
}

// Shrinking are the bounds that [Fit] tries, one after another.
var shrinking = []Bounds{{64 << 10, 1000}, {8 << 10, 200}, {2 << 10, 50}, {400, 12}, {100, 3}, {30, 1}}

// Fit makes the largest form of a notice that is within max bytes, as encode writes it; cut
// is 0 for a notice that is whole. The last, smallest form is returned with its error or
// however large it is: the caller compares.
func Fit(n *yagura.Notice, most int, encode func(n *yagura.Notice, cut int) ([]byte, error)) ([]byte, error) {
	var body []byte
	n, first := Plain(n, shrinking[0]) // masking is what takes time: once
	for _, b := range shrinking {
		small, cut := (&plainer{b: b}).notice(n)
		cut += first
		var err error
		if body, err = encode(small, cut); err != nil || len(body) <= most {
			return body, err
		}
	}
	return body, nil
}

type plainer struct {
	b    Bounds
	mask bool
	cut  int
}

func (p *plainer) notice(n *yagura.Notice) (*yagura.Notice, int) {
	out := p.copy(reflect.ValueOf(n)).Interface().(*yagura.Notice)
	return out, p.cut
}

var (
	timeType = reflect.TypeFor[time.Time]()
	whyType  = reflect.TypeFor[yagura.Why]()
)

// copy copies what vocabulary types are made of: pointers, slices, arrays, structs of
// exported fields, strings, numbers and times.
func (p *plainer) copy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(p.copy(v.Elem()))
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		n := v.Len()
		if n > p.b.List {
			n, p.cut = p.b.List, p.cut+1
		}
		out := reflect.MakeSlice(v.Type(), n, n)
		for i := range n {
			out.Index(i).Set(p.copy(v.Index(i)))
		}
		return out
	case reflect.Struct:
		if v.Type() == timeType {
			if y := v.Interface().(time.Time).Year(); y < 1 || y > 9999 {
				return reflect.Zero(timeType)
			}
			return v
		}
		out := reflect.New(v.Type()).Elem()
		if v.Type() == whyType && p.mask {
			// The name of the field says what its value is.
			y := v.Interface().(yagura.Why)
			name := y.Field
			y.Value, y.Actual = p.text(Visible(MaskNamed(name, y.Value))), p.text(Visible(MaskNamed(name, y.Actual)))
			y.Field, y.Op = p.masked(name), p.masked(y.Op)
			return reflect.ValueOf(y)
		}
		for i := range v.NumField() {
			out.Field(i).Set(p.copy(v.Field(i)))
		}
		return out
	case reflect.String:
		out := reflect.New(v.Type()).Elem()
		if p.mask {
			out.SetString(p.masked(v.String()))
		} else {
			out.SetString(p.text(v.String()))
		}
		return out
	}
	return v
}

// far is as much of one text as is looked at, in bytes.
const far = 512 << 10

// masked masks a text. Of one that goes on beyond far, the end of what was looked at is
// dropped: it may be the beginning of a secret.
func (p *plainer) masked(s string) string {
	if len(s) <= far {
		return p.text(Visible(Mask(s)))
	}
	p.cut++
	s = Mask(s[:far])
	s = s[:max(0, len(s)-8<<10)]
	return p.text(Visible(strings.ToValidUTF8(s, "") + "…"))
}

func (p *plainer) text(s string) string {
	if len(s) <= p.b.Text || utf8.RuneCountInString(s) <= p.b.Text {
		return s
	}
	p.cut++
	return english.Cut(s, p.b.Text)
}

// Tags lists the tags of a notice's rule and the labels of its issue, each once.
func Tags(n *yagura.Notice) []string {
	var out []string
	add := func(list []string) {
		for _, t := range list {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	if n.Issue != nil {
		add(n.Issue.Rule.Tags)
		add(n.Issue.Labels)
	}
	if n.Finding != nil {
		add(n.Finding.Rule.Tags)
	}
	return out
}
