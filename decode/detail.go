package decode

import (
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Detail is a field of a format's records that the lake keeps in a column of its own.
type Detail struct {
	// Column is "service", "user_agent", "access_key", "error" or "src_host", which all formats
	// have (see [yagura.Detail]), or a column that this format has beside them.
	Column string
	Field  slot.Field
	// value makes the column's value of the field's; nil: it is that.
	value func(string) string
}

// detailList makes the details of a format from "column=path", with paths as in [fieldList].
func detailList(fold bool, list ...string) []Detail {
	out := make([]Detail, len(list))
	for i, text := range list {
		column, path, _ := strings.Cut(text, "=")
		out[i] = Detail{Column: column, Field: fieldList(fold, []string{path})[0]}
	}
	return out
}

// shaped has the value of a column made by a function.
func shaped(list []Detail, column string, value func(string) string) []Detail {
	for i := range list {
		if list[i].Column == column {
			list[i].value = value
		}
	}
	return list
}

// Columns returns the columns that the format has beside those of all formats, in order.
func (f *Format) Columns() []string {
	var out []string
	for i := range f.Detail {
		if !common(f.Detail[i].Column) {
			out = append(out, f.Detail[i].Column)
		}
	}
	return out
}

func common(column string) bool {
	switch column {
	case "service", "user_agent", "access_key", "error", "src_host":
		return true
	}
	return false
}

// details fills in what the lake keeps beside the header. Columns of the format's own are all
// there, in order, also where they are empty.
func (r *Record) details(e *yagura.Event) {
	for i := range r.Format.Detail {
		d := &r.Format.Detail[i]
		text := ""
		for v := r.Doc.First(r.detail[i]); v >= 0; v = r.Doc.Next(v) {
			if text = r.word(v); text != "" {
				break
			}
		}
		if d.value != nil && text != "" {
			text = d.value(text)
		}
		switch d.Column {
		case "service":
			e.Detail.Service = text
		case "user_agent":
			e.Detail.UserAgent = text
		case "access_key":
			e.Detail.AccessKey = text
		case "error":
			e.Detail.Error = text
		case "src_host":
			if e.SrcIP == "" {
				e.Detail.SrcHost = text
			}
		default:
			e.Detail.More = append(e.Detail.More, yagura.Column{Name: d.Column, Value: text})
		}
	}
}

// beforeSlash is the provider in the name of an Azure operation or resource type.
func beforeSlash(s string) string {
	before, _, _ := strings.Cut(s, "/")
	return before
}

// notZero leaves a code out that says there was no error.
func notZero(s string) string {
	if s == "0" {
		return ""
	}
	return s
}

// failed leaves an HTTP status out that says there was no error.
func failed(s string) string {
	if len(s) == 3 && s[0] < '4' {
		return ""
	}
	return s
}
