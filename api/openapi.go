package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
)

// Prefix is where the API begins.
const Prefix = "/api/v1"

// embedsList says whether what a list takes embeds ListIn.
func embedsList(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && reflect.PointerTo(t).Implements(reflect.TypeFor[interface{ asked() *ListIn }]())
}

var wildcard = regexp.MustCompile(`\{([a-z_]+)(\.\.\.)?\}`)

// checkIn says whether what an endpoint takes names the same things as its path.
func checkIn(r Route) error {
	if r.in.Kind() != reflect.Struct {
		return fmt.Errorf("what it takes is no struct")
	}
	named := map[string]bool{}
	for _, p := range parameters(r.in) {
		if p.in == "path" {
			named[p.name] = true
		}
	}
	for _, m := range wildcard.FindAllStringSubmatch(r.Path, -1) {
		if !named[m[1]] {
			return fmt.Errorf("nothing takes {%s} of its path", m[1])
		}
		delete(named, m[1])
	}
	for name := range named {
		return fmt.Errorf("its path has no {%s}", name)
	}
	return nil
}

type parameter struct {
	in, name, doc string
	typ           reflect.Type
	enum          string
}

func parameters(t reflect.Type) []parameter {
	var out []parameter
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			out = append(out, parameters(f.Type)...)
			continue
		}
		for _, in := range []string{"path", "query"} {
			if name := f.Tag.Get(in); name != "" {
				out = append(out, parameter{in: in, name: name, doc: f.Tag.Get("doc"), typ: f.Type, enum: f.Tag.Get("enum")})
			}
		}
	}
	return out
}

// OpenAPI returns the description of the routes, in OpenAPI 3.1.
func OpenAPI(routes []Route) ([]byte, error) {
	s := newSchemas()
	paths := map[string]object{}
	problem := s.ref(reflect.TypeFor[Problem]())
	for _, r := range routes {
		p := strings.ReplaceAll(r.Path, "...}", "}")
		if paths[p] == nil {
			paths[p] = object{}
		}
		paths[p][strings.ToLower(r.Method)] = operation(s, r)
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{"title": "Yagura", "version": "1", "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "What the console, the command line and other programs call. docs/api.md tells of lists, errors, ETags, rates and the stream."},
		"servers":  []any{object{"url": Prefix}},
		"security": []any{object{"token": []string{}}, object{"session": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas": s.all,
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer", "description": "A token of the API, ygr_…; it may be bound to a client certificate (RFC 8705)."},
				"session": object{"type": "apiKey", "in": "cookie", "name": "__Host-yagura", "description": "Of a browser. Writes carry X-CSRF-Token too, from GET /session."},
			},
			"responses": object{"Problem": object{"description": "What is wrong (RFC 9457).", "content": object{"application/problem+json": object{"schema": problem}}}},
		},
	}
	out, err := json.MarshalIndent(doc, "", " ")
	return append(out, '\n'), err
}

func operation(s *schemas, r Route) object {
	op := object{"operationId": r.ID, "summary": r.Summary, "x-yagura-access": string(r.Access), "tags": []string{strings.Split(strings.TrimPrefix(r.Path, "/"), "/")[0]}}
	if r.whole {
		op["x-yagura-whole"] = true
	}
	if r.list != nil {
		op["x-yagura-list"] = r.list.Name
	}
	if r.Access == Public {
		op["security"] = []any{}
	}
	var params []any
	for _, p := range parameters(r.in) {
		schema := s.of(p.typ)
		if p.enum != "" {
			schema = object{"type": "string", "enum": strings.Split(p.enum, ",")}
		}
		x := object{"in": p.in, "name": p.name, "required": p.in == "path", "schema": schema}
		if p.doc != "" {
			x["description"] = p.doc
		}
		params = append(params, x)
	}
	if r.match {
		params = append(params, object{"in": "header", "name": "If-Match", "required": true, "schema": object{"type": "string"}, "description": "The ETag of what is changed."})
	}
	if params != nil {
		op["parameters"] = params
	}
	if body, ok := r.in.FieldByName("Body"); ok {
		op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s.of(body.Type)}}}
	}
	op["responses"] = object{successOf(r): answerOf(s, r), "default": object{"$ref": "#/components/responses/Problem"}}
	return op
}

func successOf(r Route) string {
	if r.out == reflect.TypeFor[Nothing]() {
		return "204"
	}
	return "200"
}

func answerOf(s *schemas, r Route) object {
	switch r.out {
	case reflect.TypeFor[Nothing]():
		return object{"description": "Done."}
	case reflect.TypeFor[*File](), reflect.TypeFor[*Stream]():
		kind := "application/octet-stream"
		if r.out == reflect.TypeFor[*Stream]() {
			kind = "text/event-stream"
		}
		return object{"description": http.StatusText(200), "content": object{kind: object{"schema": object{"type": "string"}}}}
	}
	content := object{"application/json": object{"schema": s.of(r.out)}}
	if embedsList(r.in) && r.out.Implements(reflect.TypeFor[lister]()) { // as answer has it: what is counted is no table
		content["text/csv"] = object{"schema": object{"type": "string"}}
		content["application/jsonl"] = object{"schema": object{"type": "string"}}
	}
	return object{"description": http.StatusText(200), "content": content}
}
