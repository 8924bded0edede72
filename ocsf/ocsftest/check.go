package ocsftest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Check says all that the schema finds wrong with an event, each with its place; nothing is
// a valid event.
func (s *Schema) Check(event []byte) []string {
	var m map[string]any
	dec := json.NewDecoder(strings.NewReader(string(event)))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		return []string{err.Error()}
	}
	if dec.More() {
		return []string{"more than one value"}
	}
	return s.CheckObject(m)
}

// CheckObject is [Schema.Check] of an event that is read already, its numbers as
// [json.Number].
func (s *Schema) CheckObject(m map[string]any) []string {
	c := &check{schema: s, event: m}
	uid, ok := m["class_uid"].(json.Number)
	if !ok {
		return []string{"class_uid is required"}
	}
	k := s.classes[uid.String()]
	if k == nil {
		return []string{"class_uid " + uid.String() + " is no class that we write"}
	}
	if meta, ok := m["metadata"].(map[string]any); ok {
		list, _ := meta["profiles"].([]any)
		for _, p := range list {
			name, _ := p.(string)
			if s.profiles[name] == nil && name != "incident" {
				c.wrong("metadata.profiles", "%q is no profile that we write", name)
			}
			c.profiles = append(c.profiles, name)
		}
		if v, _ := meta["version"].(string); v != version {
			c.wrong("metadata.version", "%q, want %s", v, version)
		}
	}
	known := *k
	known.attributes = map[string]*attribute{}
	for _, from := range []*group{s.base, k} {
		maps.Copy(known.attributes, from.attributes)
	}
	for _, p := range c.profiles {
		if g := s.profiles[p]; g != nil {
			for name, a := range g.attributes {
				if known.attributes[name] == nil || a.required {
					known.attributes[name] = a
				}
			}
		}
	}
	c.object("", m, &known)
	c.classification(k)
	c.observables()
	return c.found
}

type check struct {
	schema   *Schema
	event    map[string]any
	profiles []string
	found    []string
}

func (c *check) wrong(at, format string, args ...any) {
	if len(c.found) < 20 {
		c.found = append(c.found, at+": "+fmt.Sprintf(format, args...))
	}
}

func under(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func (c *check) object(at string, m map[string]any, k *group) {
	for name, a := range k.attributes {
		if v, there := m[name]; a.required && (!there || v == nil) {
			c.wrong(under(at, name), "is required")
		}
	}
	for _, some := range k.oneOf {
		if !slices.ContainsFunc(some, func(n string) bool { return m[n] != nil }) {
			c.wrong(at, "has none of %v", some)
		}
	}
	for _, some := range k.justOne {
		n := 0
		for _, name := range some {
			if m[name] != nil {
				n++
			}
		}
		if n != 1 {
			c.wrong(at, "has %d of %v, want one", n, some)
		}
	}
	for name, v := range m {
		a := k.attributes[name]
		switch {
		case a == nil:
			c.wrong(under(at, name), "is not known")
		case a.profile != "" && !slices.Contains(c.profiles, a.profile):
			c.wrong(under(at, name), "needs the profile %s", a.profile)
		default:
			c.value(under(at, name), v, a)
			c.sibling(under(at, name), m, v, a)
		}
	}
}

// sibling holds the text beside an enumeration: the caption of the number, and for 99 a text
// of the source's own.
func (c *check) sibling(at string, m map[string]any, v any, a *attribute) {
	n, ok := v.(json.Number)
	if !ok || a.sibling == "" || a.enum == nil {
		return
	}
	text, there := m[a.sibling].(string)
	caption := a.enum[n.String()]
	switch {
	case n == "99" && (!there || text == ""):
		c.wrong(at, "is 99, but %s says nothing", a.sibling)
	case n != "99" && there && text != caption:
		c.wrong(at, "is %s (%s), but %s says %q", n, caption, a.sibling, text)
	}
}

func (c *check) value(at string, v any, a *attribute) {
	if !a.list {
		c.single(at, v, a)
		return
	}
	list, ok := v.([]any)
	if !ok {
		c.wrong(at, "is no list")
		return
	}
	if len(list) == 0 && a.required {
		c.wrong(at, "is required, and empty")
	}
	for i, one := range list {
		c.single(at+"["+strconv.Itoa(i)+"]", one, a)
	}
}

var (
	emailForm = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\\.[a-zA-Z0-9-.]+$")
	macForm   = regexp.MustCompile("^([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2})$")
)

func (c *check) single(at string, v any, a *attribute) {
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	n, fault := strconv.ParseInt(number.String(), 10, 64)
	whole := isNumber && fault == nil && n > -1<<53 && n < 1<<53
	good := false
	switch a.kind {
	case "string", "host", "url":
		good = isText
	case "email":
		good = isText && emailForm.MatchString(text)
	case "mac":
		good = isText && len(text) <= 32 && macForm.MatchString(text)
	case "ip":
		_, err := netip.ParseAddr(text)
		good = isText && err == nil && len(text) <= 40
	case "int", "long":
		good = whole
	case "port":
		good = whole && n >= 0 && n <= 65535
	case "time": // in milliseconds: what would be a time of our days in seconds or microseconds is none
		good = whole && (n < 1.4e9 || n > 2e9) && n < 1e15
	case "float":
		f, err := strconv.ParseFloat(number.String(), 64)
		good = isNumber && err == nil && !math.IsInf(f, 0)
	case "bool":
		_, good = v.(bool)
	case "json":
		good = v != nil
	case "object":
		_, good = v.(map[string]any)
	default:
		m, ok := v.(map[string]any)
		if !ok {
			c.wrong(at, "is no object")
			return
		}
		c.object(at, m, c.schema.objects[a.kind])
		return
	}
	if good && a.enum != nil {
		key := text
		if isNumber {
			key = number.String()
		}
		if _, known := a.enum[key]; !known {
			c.wrong(at, "%q is not in the enumeration", key)
			return
		}
	}
	if !good {
		c.wrong(at, "%.80v is no %s", v, a.kind)
	}
}

// classification holds the numbers that are made of one another, and their names.
func (c *check) classification(k *group) {
	m := c.event
	number := func(name string) int64 {
		n, _ := m[name].(json.Number)
		i, err := n.Int64()
		if err != nil {
			return -1
		}
		return i
	}
	if number("category_uid") != k.category {
		c.wrong("category_uid", "%v, want %d", m["category_uid"], k.category)
	}
	if number("type_uid") != number("class_uid")*100+number("activity_id") {
		c.wrong("type_uid", "%v is not the class and the activity", m["type_uid"])
	}
	for name, want := range map[string]string{"class_name": k.name, "category_name": k.categoryName} {
		if text, there := m[name].(string); there && text != want {
			c.wrong(name, "%q, want %q", text, want)
		}
	}
	if a := k.attributes["activity_id"]; a != nil {
		activity, _ := m["activity_id"].(json.Number)
		if text, there := m["type_name"].(string); there && text != k.name+": "+a.enum[activity.String()] {
			c.wrong("type_name", "%q, want %q", text, k.name+": "+a.enum[activity.String()])
		}
	}
}

// observables holds that each points to an attribute of the event, and one of its values.
func (c *check) observables() {
	list, _ := c.event["observables"].([]any)
	for i, o := range list {
		m, _ := o.(map[string]any)
		name, _ := m["name"].(string)
		if !points(c.event, strings.Split(name, "."), m["value"]) {
			c.wrong(fmt.Sprintf("observables[%d]", i), "no value of %s is %v", name, m["value"])
		}
	}
}

func points(v any, path []string, want any) bool {
	if len(path) == 0 {
		return v == want
	}
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	name, list := strings.CutSuffix(path[0], "[]")
	if !list {
		return points(m[name], path[1:], want)
	}
	each, _ := m[name].([]any)
	return slices.ContainsFunc(each, func(x any) bool { return points(x, path[1:], want) })
}
