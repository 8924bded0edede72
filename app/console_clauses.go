package app

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/intake"
)

// leaf is a value in a record: where it stands, and what it says.
type leaf struct {
	path, plain string // plain has no numbers of arrays, as rules name fields
	text        string
	start, end  int
}

// mostLeaves bounds what is looked at of one record.
const mostLeaves = 20_000

// leavesOf lists the values of a JSON record that hold no others; ok is false for a record
// that is no JSON.
func leavesOf(raw []byte) (out []leaf, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err := leaves(dec, raw, "", "", 0, &out)
	return out, err == nil
}

func leaves(dec *json.Decoder, raw []byte, path, plain string, depth int, out *[]leaf) error {
	before := int(dec.InputOffset())
	token, err := dec.Token()
	if err != nil {
		return err
	}
	below := func(base, key string) string {
		if base == "" {
			return key
		}
		return base + "." + key
	}
	switch token {
	case json.Delim('{'):
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if err := leaves(dec, raw, below(path, name), below(plain, name), depth+1, out); err != nil {
				return err
			}
		}
		_, err = dec.Token()
		return err
	case json.Delim('['):
		for i := 0; dec.More(); i++ {
			if err := leaves(dec, raw, path+"["+strconv.Itoa(i)+"]", plain, depth+1, out); err != nil {
				return err
			}
		}
		_, err = dec.Token()
		return err
	}
	if len(*out) >= mostLeaves {
		return nil
	}
	end := int(dec.InputOffset())
	start := before + len(raw[before:end]) - len(bytes.TrimLeft(raw[before:end], " \t\r\n,:"))
	l := leaf{path: path, plain: plain, start: start, end: end}
	switch v := token.(type) {
	case string:
		l.text = v
	case json.Number:
		l.text = v.String()
	case bool:
		l.text = strconv.FormatBool(v)
	}
	*out = append(*out, l)
	return nil
}

// clausesIn says where in a record of a format the clauses of a finding hold. A field is found
// by the name that the rule gives it; one of a language with names of its own by what it
// holds, where one value of the record alone says that. What a vendor's alert says stands
// where the vendor names it.
func clausesIn(format string, raw []byte, why []yagura.Why) []api.Clause {
	all, isJSON := leavesOf(raw)
	out := make([]api.Clause, len(why))
	for i, w := range why {
		out[i].Why = w
		if intake.OfAlert(w) {
			if isJSON {
				if l := saidAt(all, decode.AlertPaths(format), w.Value); l != nil {
					out[i].Path, out[i].Start, out[i].End = l.path, l.start, l.end
				}
			} else if n := bytes.Count(raw, []byte(w.Value)); w.Value != "" && n > 0 {
				out[i].Start = bytes.Index(raw, []byte(w.Value))
				out[i].End = out[i].Start + len(w.Value)
			}
			continue
		}
		if !isJSON {
			if n := bytes.Count(raw, []byte(w.Actual)); w.Actual != "" && n == 1 {
				out[i].Start = bytes.Index(raw, []byte(w.Actual))
				out[i].End = out[i].Start + len(w.Actual)
			}
			continue
		}
		if l := standsAt(all, w); l != nil {
			out[i].Path, out[i].Start, out[i].End = l.path, l.start, l.end
		}
	}
	return out
}

// saidAt is the value of an alert that names what was found: of those at the paths the one
// that says it, alone or behind the name of a product, else the last that there is, the title.
func saidAt(all []leaf, paths []string, rule string) (title *leaf) {
	for _, path := range paths {
		var first *leaf
		for i := range all {
			l := &all[i]
			if l.text == "" || !strings.EqualFold(l.plain, path) {
				continue
			}
			if said := intake.AlertRule(l.text); said == rule || strings.HasSuffix(rule, "/"+said) {
				return l
			}
			if first == nil {
				first = l
			}
		}
		if first != nil {
			title = first
		}
	}
	return title
}

func standsAt(all []leaf, w yagura.Why) *leaf {
	var named, said []*leaf
	for i := range all {
		l := &all[i]
		same := strings.EqualFold(l.text, w.Actual)
		if strings.EqualFold(l.plain, w.Field) || l.path == w.Field {
			if same {
				return l
			}
			named = append(named, l)
		}
		if same && w.Actual != "" {
			said = append(said, l)
		}
	}
	switch {
	case len(named) > 0 && w.Actual != "":
		return named[0]
	case len(said) == 1:
		return said[0]
	}
	return nil
}
