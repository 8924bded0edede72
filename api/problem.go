package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/yagura-sec/yagura/auth"
)

// Code says what is wrong with a call, for programs.
type Code string

// The codes.
const (
	CodeBadRequest      Code = "bad_request"
	CodeBadQuery        Code = "bad_query" // a list's question; with its place
	CodeUnauthenticated Code = "unauthenticated"
	CodeSecondFactor    Code = "second_factor" // the password is right, a code is asked
	CodeForbidden       Code = "forbidden"
	CodeCSRF            Code = "csrf"
	CodeNotFound        Code = "not_found"
	CodeMethod          Code = "method"
	CodeConflict        Code = "conflict"
	CodeStale           Code = "stale" // If-Match names a version that is not the newest
	CodeTooLarge        Code = "too_large"
	CodeMedia           Code = "media"
	CodeUnprocessable   Code = "unprocessable" // a text was read and is wrong; with its problems
	CodeMatchRequired   Code = "match_required"
	CodeRateLimited     Code = "rate_limited"
	CodeInternal        Code = "internal"
	CodeUnavailable     Code = "unavailable"
)

// statuses is the one place where a code gets its status and its title.
var statuses = map[Code]struct {
	status    int
	title, ja string
}{
	CodeBadRequest:      {400, "The request is not well formed", "リクエストの形式が正しくありません"},
	CodeBadQuery:        {400, "The query cannot be read", "検索式を解釈できません"},
	CodeUnauthenticated: {401, "Nobody is signed in", "サインインが必要です"},
	CodeSecondFactor:    {401, "A second factor is asked", "確認コードが必要です"},
	CodeForbidden:       {403, "This is not permitted", "権限がありません"},
	CodeCSRF:            {403, "The request does not come from our pages", "リクエストの発信元を確認できません"},
	CodeNotFound:        {404, "There is no such thing", "見つかりません"},
	CodeMethod:          {405, "The path does not take this method", "このメソッドは使えません"},
	CodeConflict:        {409, "It contradicts what is", "現在の状態と矛盾しています"},
	CodeStale:           {412, "It was changed by somebody else", "ほかの人が先に変更しています"},
	CodeTooLarge:        {413, "The request is too large", "リクエストが大きすぎます"},
	CodeMedia:           {415, "The body is of another type", "本文の形式が違います"},
	CodeUnprocessable:   {422, "The text has mistakes", "内容に誤りがあります"},
	CodeMatchRequired:   {428, "If-Match is needed", "If-Match が必要です"},
	CodeRateLimited:     {429, "Too many requests", "リクエストが多すぎます"},
	CodeInternal:        {500, "Something went wrong here", "サーバー側で問題が起きました"},
	CodeUnavailable:     {503, "It cannot be answered now", "いまは応答できません"},
}

// Place is where in a text something is wrong.
type Place struct {
	Line   int `json:"line" doc:"From 1."`
	Column int `json:"column" doc:"From 1, in characters."`
	Start  int `json:"start" doc:"In bytes from the beginning of the text."`
	End    int `json:"end"`
}

// Fault is one mistake in a text that was sent.
type Fault struct {
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Reason   string `json:"reason"`
	ReasonJA string `json:"reason_ja,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// Problem is an error that the caller is told of (RFC 9457).
type Problem struct {
	Type     string  `json:"type"`
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Code     Code    `json:"code"`
	Reason   string  `json:"reason,omitempty" doc:"A finer word than code, where there is one."`
	Detail   string  `json:"detail,omitempty"`
	DetailJA string  `json:"detail_ja,omitempty"`
	Request  string  `json:"request,omitempty" doc:"The id of the request, as in X-Request-Id and the log."`
	Place    *Place  `json:"place,omitempty"`
	Hint     string  `json:"hint,omitempty"`
	HintJA   string  `json:"hint_ja,omitempty"`
	Problems []Fault `json:"problems,omitempty"`

	places []Place       // of problems, for queries
	retry  time.Duration // of rate_limited and unavailable
	allow  string        // of method
}

// Error returns what is wrong.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return string(p.Code)
	}
	return string(p.Code) + ": " + p.Detail
}

// Refuse makes a problem, with what is wrong in English and in Japanese.
func Refuse(code Code, detail, ja string) *Problem {
	return &Problem{Code: code, Detail: detail, DetailJA: ja}
}

// Hinted adds what would be right.
func (p *Problem) Hinted(hint, ja string) *Problem {
	p.Hint, p.HintJA = hint, ja
	return p
}

// At adds where in the text it is.
func (p *Problem) At(place Place) *Problem {
	p.Place = &place
	return p
}

// In says in which language people are spoken to.
func (p *Problem) In(japanese bool) string {
	switch {
	case japanese && p.DetailJA != "":
		return p.DetailJA
	case p.Detail != "":
		return p.Detail
	case japanese:
		return statuses[p.Code].ja
	}
	return statuses[p.Code].title
}

// notFound is the answer for what is not there, and for what the caller may not see.
func notFound() *Problem { return &Problem{Code: CodeNotFound} }

// NotFound is the error of an interface of [Parts] for a thing that is not there, or outside
// of what the caller may see: the two must not be told apart.
var NotFound error = notFound()

// asProblem turns an error into what the caller is told. own is false for an error that says
// nothing to the caller and must be logged.
func asProblem(err error) (p *Problem, own bool) {
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		copied := *p
		return &copied, true
	case errors.Is(err, auth.ErrNobody):
		return &Problem{Code: CodeUnauthenticated}, true
	case errors.As(err, &big):
		return Refuse(CodeTooLarge, "the body has more than "+strconv.FormatInt(big.Limit, 10)+" bytes", "本文が "+strconv.FormatInt(big.Limit, 10)+" バイトを超えています"), true
	case errors.Is(err, context.DeadlineExceeded):
		return &Problem{Code: CodeUnavailable, Detail: "it took too long", DetailJA: "時間がかかりすぎました", retry: 5 * time.Second}, false
	}
	return &Problem{Code: CodeInternal}, false
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, p *Problem, request string, japanese bool) {
	s, ok := statuses[p.Code]
	if !ok {
		p.Code = CodeInternal
		s = statuses[p.Code]
	}
	p.Type, p.Title, p.Status, p.Request = "about:blank#"+string(p.Code), s.title, s.status, request
	if japanese {
		p.Title = s.ja
	}
	h := w.Header()
	h.Del("ETag")
	h.Del("Content-Disposition")
	h.Set("Content-Type", "application/problem+json; charset=utf-8")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.retry+time.Second-1)/time.Second), 10))
	}
	if p.Code == CodeUnauthenticated {
		h.Set("WWW-Authenticate", `Bearer realm="yagura"`)
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	w.WriteHeader(s.status)
	_ = json.NewEncoder(w).Encode(p) // the reader is gone, or all is well
}
