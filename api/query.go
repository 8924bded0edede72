package api

import (
	"errors"
	"strings"

	"github.com/yagura-sec/yagura/filter"
)

// parseQuery reads the question of a list. A wrong one says where.
func parseQuery(l *filter.List, text string) (*filter.Query, error) {
	q, err := filter.Parse(l, text)
	if err == nil {
		return q, nil
	}
	return nil, badQuery(err)
}

func badQuery(err error) error {
	var wrong *filter.Error
	if !errors.As(err, &wrong) || len(wrong.Faults) == 0 {
		return Refuse(CodeBadQuery, err.Error(), "")
	}
	f := wrong.Faults[0]
	p := Refuse(CodeBadQuery, f.Text, f.Japanese).Hinted(f.Hint, f.HintJapanese).At(Place{Line: f.Line, Column: f.Column, Start: f.Start, End: f.End})
	for _, f := range wrong.Faults {
		p.Problems = append(p.Problems, Fault{Line: f.Line, Column: f.Column, Reason: f.Text, ReasonJA: f.Japanese, Hint: f.Hint})
		p.places = append(p.places, Place{Line: f.Line, Column: f.Column, Start: f.Start, End: f.End})
	}
	return p
}

func badSort(err error, l *filter.List) error {
	p := Refuse(CodeBadRequest, "sort: "+err.Error(), "sort: この一覧では使えない並べ替えです")
	return p.Hinted("want "+strings.Join(l.Sorts, ", "), strings.Join(l.Sorts, "、")+" のいずれか")
}
