package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/auth"
	"github.com/yagura-sec/yagura/filter"
)

// Reach is the part of the data that a call may see: everything, or what is within any of
// the scopes. The zero value is nothing.
type Reach struct {
	All    bool
	Scopes []yagura.Scope
}

// Holds reports whether something of an account (of a tenant of the registry) and format is
// within reach.
func (r Reach) Holds(tenant, account, format string) bool {
	return r.All || slices.ContainsFunc(r.Scopes, func(s yagura.Scope) bool { return s.Holds(tenant, account, format) })
}

// ReachOf is where an identity may do something.
func ReachOf(id *auth.Identity, p yagura.Permission) Reach {
	scopes, all := id.Scopes(p)
	return Reach{All: all, Scopes: scopes}
}

// Ask is what is wanted of a list.
type Ask struct {
	// Query is nil for lists that are not asked in the grammar.
	Query *filter.Query
	Order filter.Order
	After string // cursor of the page before
	Limit int
	Total bool // count what there is
}

// ListIn is embedded by what lists take.
type ListIn struct {
	Q      string `query:"q" doc:"The question, in the one grammar of lists: severity:>=high status:open."`
	Sort   string `query:"sort" doc:"A sort of the list; - before it turns it round."`
	Cursor string `query:"cursor" doc:"The next of the page before."`
	Limit  int    `query:"limit" doc:"Items of a page: 1 to 1000, usually 100."`
	Total  bool   `query:"total" doc:"Count the items: exactly up to 10,000."`
	Format string `query:"format" doc:"json, csv or jsonl; as Accept."`
}

func (l *ListIn) asked() *ListIn { return l }

// The bounds of a page.
const (
	usualLimit = 100
	mostLimit  = 1000
	mostQuery  = 4 << 10
)

// call is one request on its way.
type call struct {
	// Who asks; nil for strangers at public endpoints.
	Who *auth.Identity
	// Reach is the part of the data that it may see with the permission of the endpoint.
	Reach Reach
	// Ask is what is wanted, of lists.
	Ask Ask
	// Japanese says how people are spoken to.
	Japanese bool
	// Request is the id of the request.
	Request string

	api   *API
	route *Route
	w     http.ResponseWriter
	r     *http.Request
	now   time.Time
	form  string // of a list: json, csv or jsonl
	entry *Entry
}

// Call is one request, with what was asked.
type Call[In any] struct {
	*call
	In In
}

// Now is the time of the request.
func (c *call) Now() time.Time { return c.now }

// Need asks for a further permission and returns where the caller has it.
func (c *call) Need(p yagura.Permission) (Reach, error) {
	reach := ReachOf(c.Who, p)
	if !reach.All && len(reach.Scopes) == 0 {
		return reach, c.lacks(p)
	}
	return reach, nil
}

func (c *call) lacks(p yagura.Permission) *Problem {
	return Refuse(CodeForbidden, fmt.Sprintf("it needs the permission %q", p), fmt.Sprintf("権限「%s」が必要です", p))
}

// Match checks If-Match against the tag of what is about to change.
func (c *call) Match(tag string) error {
	m := c.r.Header.Get("If-Match")
	switch {
	case m == "" && !c.route.match, m == "*":
		return nil
	case m == "":
		return &Problem{Code: CodeMatchRequired, Detail: "the request needs If-Match with the ETag of what it changes", DetailJA: "変更対象の ETag を If-Match に指定してください"}
	case !tagIn(m, quoteTag(tag), false):
		return &Problem{Code: CodeStale, Detail: "it was changed since it was read", DetailJA: "読み込んだ後に変更されています", Hint: "read it again and repeat the change", HintJA: "読み直してから変更してください"}
	}
	return nil
}

func quoteTag(tag string) string { return `"` + tag + `"` }

// tagIn says whether a header lists a tag; weak compares as If-None-Match does.
func tagIn(header, tag string, weak bool) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if weak {
			part = strings.TrimPrefix(part, "W/")
		}
		if part == tag || part == "*" {
			return true
		}
	}
	return false
}

// read reads a request into its struct: path, query parameters, body. Whatever it does not
// know is refused.
func (c *call) read(in any) error {
	v := reflect.ValueOf(in).Elem()
	known := map[string]bool{"lang": true}
	values := c.r.URL.Query()
	if err := wellFormed(c.r); err != nil {
		return err
	}
	if err := c.fields(v, values, known); err != nil {
		return err
	}
	for name := range values {
		if !known[name] {
			return Refuse(CodeBadRequest, fmt.Sprintf("there is no parameter %q", cutText(name)), fmt.Sprintf("パラメーター %q はありません", cutText(name)))
		}
	}
	if l, ok := in.(interface{ asked() *ListIn }); ok {
		if err := c.ask(l.asked()); err != nil {
			return err
		}
	}
	if body := v.FieldByName("Body"); body.IsValid() {
		return c.readBody(body.Addr().Interface())
	}
	return c.noBody()
}

func wellFormed(r *http.Request) error {
	if strings.Contains(r.URL.RawQuery, ";") || !utf8.ValidString(r.URL.RawQuery) {
		return Refuse(CodeBadRequest, "the parameters are not well formed", "パラメーターの形式が正しくありません")
	}
	return nil
}

func (c *call) fields(v reflect.Value, values map[string][]string, known map[string]bool) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			if err := c.fields(v.Field(i), values, known); err != nil {
				return err
			}
			continue
		}
		if name := f.Tag.Get("path"); name != "" {
			value := c.r.PathValue(name)
			if err := plain(name, value); err != nil {
				return err
			}
			if err := set(v.Field(i), name, []string{value}); err != nil {
				return err
			}
		}
		if name := f.Tag.Get("query"); name != "" {
			known[name] = true
			given := values[name]
			if len(given) == 0 {
				continue
			}
			for _, s := range given {
				if err := plain(name, s); err != nil {
					return err
				}
			}
			if err := set(v.Field(i), name, given); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain refuses what no value of ours holds.
func plain(name, s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || len(s) > 8<<10 {
		return Refuse(CodeBadRequest, name+": it is no plain text, or too long", name+": 使えない文字が含まれているか、長すぎます")
	}
	return nil
}

func cutText(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

func set(v reflect.Value, name string, given []string) error {
	wrong := func(want, ja string) error {
		return Refuse(CodeBadRequest, fmt.Sprintf("%s: %q is not %s", name, cutText(given[0]), want), fmt.Sprintf("%s: %q は%sではありません", name, cutText(given[0]), ja))
	}
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
		v.Set(reflect.ValueOf(given).Convert(v.Type()))
		return nil
	}
	if len(given) != 1 {
		return Refuse(CodeBadRequest, name+" is given more than once", name+" が複数回指定されています")
	}
	s := given[0]
	if v.Type() == reflect.TypeFor[time.Time]() {
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(layout, s); err == nil {
				v.Set(reflect.ValueOf(t.UTC()))
				return nil
			}
		}
		return wrong("a time (2026-05-01T09:00:00Z) or a date", "時刻または日付")
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		switch s {
		case "1", "true", "":
			v.SetBool(true)
		case "0", "false":
			v.SetBool(false)
		default:
			return wrong("1 or 0", " 1 または 0 ")
		}
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || v.OverflowInt(n) {
			return wrong("a whole number", "整数")
		}
		v.SetInt(n)
	default:
		return fmt.Errorf("parameter %s: a field of type %s", name, v.Type())
	}
	return nil
}

// ask reads what is wanted of a list.
func (c *call) ask(in *ListIn) error {
	switch {
	case in.Limit < 0 || in.Limit > mostLimit:
		return Refuse(CodeBadRequest, fmt.Sprintf("limit: %d is not from 1 to %d", in.Limit, mostLimit), fmt.Sprintf("limit は 1 から %d までです", mostLimit))
	case len(in.Q) > mostQuery:
		return Refuse(CodeBadQuery, "the query is too long", "検索式が長すぎます")
	}
	if in.Limit == 0 {
		in.Limit = usualLimit
	}
	c.Ask = Ask{After: in.Cursor, Limit: in.Limit, Total: in.Total}
	c.form = in.Format
	switch c.form {
	case "":
		c.form = c.accepts()
	case "json", "csv", "jsonl":
	default:
		return Refuse(CodeBadRequest, fmt.Sprintf("format: %q is not json, csv or jsonl", cutText(in.Format)), "format は json、csv、jsonl のいずれかです")
	}
	if c.route.list == nil {
		if in.Q != "" || in.Sort != "" {
			return Refuse(CodeBadRequest, "this list is not asked with q or sorted", "この一覧では q と sort は使えません")
		}
		return nil
	}
	order, err := c.route.list.Sort(in.Sort)
	if err != nil {
		return badSort(err, c.route.list)
	}
	c.Ask.Order = order
	c.Ask.Query, err = parseQuery(c.route.list, in.Q)
	if err != nil {
		return err
	}
	c.Ask.Query = c.Ask.Query.At(c.now, c.zone())
	if c.Who != nil && c.Who.User != nil {
		c.Ask.Query = c.Ask.Query.As(c.Who.User.Name)
	}
	return nil
}

// zone is where the caller's days begin.
func (c *call) zone() *time.Location {
	name := c.api.zone
	if c.Who != nil && c.Who.User != nil && c.Who.User.Zone != "" {
		name = c.Who.User.Zone
	}
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

func (c *call) accepts() string {
	for part := range strings.SplitSeq(c.r.Header.Get("Accept"), ",") {
		kind, _, err := mime.ParseMediaType(part)
		switch {
		case err != nil:
		case kind == "text/csv":
			return "csv"
		case kind == "application/jsonl" || kind == "application/x-ndjson":
			return "jsonl"
		}
	}
	return "json"
}

func (c *call) noBody() error {
	if c.r.ContentLength == 0 || c.r.Body == nil || c.r.Body == http.NoBody {
		return nil
	}
	// An empty object says nothing and is let pass: many clients send one.
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, 1<<10))
	if err == nil && len(bytes.TrimSpace(data)) > 0 && string(bytes.TrimSpace(data)) != "{}" {
		err = Refuse(CodeBadRequest, "the endpoint takes no body", "本文は不要です")
	}
	return err
}

func (c *call) readBody(to any) error {
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if charset := params["charset"]; err != nil || kind != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return Refuse(CodeMedia, "the body must be application/json", "本文は application/json で送ってください")
	}
	if c.r.Header.Get("Content-Encoding") != "" {
		return Refuse(CodeMedia, "the body must not be compressed", "圧縮した本文は受け付けません")
	}
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, c.route.body))
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return err
		}
		return Refuse(CodeBadRequest, "the body broke off", "本文が途中で途切れました")
	}
	return strictJSON(data, to)
}

// context of a call with its time limit.
func (c *call) context() (context.Context, context.CancelFunc) {
	if c.route.within <= 0 {
		return context.WithCancel(c.r.Context())
	}
	return context.WithTimeout(c.r.Context(), c.route.within)
}
