package sigma

import (
	"encoding/json"
	"strings"

	"github.com/yagura-sec/yagura/entitlement"
	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// A field of the permissions that a record adds is read from a list of modified
// properties, or from a text of names. A pipeline maps it to places such as
// `targetResources.modifiedProperties{permissions}.risk` and
// `roles{application permissions}.name`.
const (
	permissionList  = "{permissions}."
	permissionRoles = "{application permissions}."
	permissionScope = "{delegated permissions}."
)

// permissionPlace is one of these places.
type permissionPlace struct {
	at   []slot.Seg
	kind string // of the names in a text; "" for modified properties
	part string // name, risk, kind, resource or id
}

var permissionParts = map[string]func(entitlement.Permission) string{
	"name":     func(p entitlement.Permission) string { return p.Name },
	"type":     func(p entitlement.Permission) string { return p.Kind },
	"resource": func(p entitlement.Permission) string { return p.Resource },
	"id":       func(p entitlement.Permission) string { return p.ID },
	"risk":     nil, // the highest of all
}

// parsePermission reads the name of such a place.
func parsePermission(name string) (permissionPlace, bool) {
	for test, kind := range map[string]string{permissionList: "", permissionRoles: entitlement.Application, permissionScope: entitlement.Delegated} {
		at, part, ok := strings.Cut(name, test)
		if _, known := permissionParts[part]; ok && at != "" && known {
			return permissionPlace{segments(at), kind, part}, true
		}
	}
	return permissionPlace{}, false
}

// permissionField makes the field that a rule calls name, where a pipeline gave it such
// places.
func permissionField(name string, places []string, fold bool) (query.Field, bool) {
	r := &permissionReader{}
	var deps []query.Field
	var id strings.Builder
	id.WriteString("permissions")
	for _, n := range places {
		p, ok := parsePermission(n)
		if !ok || n == name {
			continue
		}
		if r.list == nil {
			r.list = newPropertyList()
		}
		paths := []slot.Path{{Segs: p.at, Fold: fold}}
		deps = append(deps, query.Field{Name: name, Paths: paths, Conv: query.ConvRaw})
		r.kinds, r.part = append(r.kinds, p.kind), p.part
		id.WriteString("|" + p.part + p.kind + placeNames(paths))
	}
	if deps == nil {
		return query.Field{}, false
	}
	return query.Field{Name: name, Derive: &query.Derived{Name: id.String(), Deps: deps, Fn: r.values}}, true
}

// permissionReader computes such a field.
type permissionReader struct {
	kinds []string // of each place
	part  string
	list  *propertyList
}

func (r *permissionReader) values(in query.Input, out *query.Values) {
	var found []entitlement.Permission
	var properties []entitlement.Property
	for i, kind := range r.kinds {
		for k := range in.Dep(i).Len() {
			v := in.Dep(i).At(k)
			switch {
			case kind != "":
				found = append(found, entitlement.Scopes(scopeNames(v), kind)...)
			default:
				properties = r.list.read(v, properties)
			}
		}
	}
	if len(properties) > 0 {
		found = append(found, entitlement.Added(properties)...)
	}
	get := permissionParts[r.part]
	if get == nil {
		if risk := entitlement.Highest(found).String(); risk != "" {
			out.AddString(risk)
		}
		return
	}
	seen := map[string]bool{"": true}
	for _, p := range found {
		if text := get(p); !seen[text] {
			seen[text] = true
			out.AddString(text)
		}
	}
}

// scopeNames is a text of names with blanks between them; a list is passed over, because its
// members follow.
func scopeNames(v []byte) string {
	if len(v) > 0 && (v[0] == '[' || v[0] == '{') || string(v) == "null" {
		return ""
	}
	return string(v)
}

// propertyList reads the members of a list of modified properties, as Entra ID
// (displayName) and the unified audit log (Name) write them.
type propertyList struct {
	plan           *slot.Plan
	name, old, now slot.ID
}

func newPropertyList() *propertyList {
	build := slot.NewBuilder()
	l := &propertyList{}
	field := func(keys ...string) slot.ID {
		var f slot.Field
		for _, k := range keys {
			f.Paths = append(f.Paths, slot.Path{Segs: segments(k), Fold: true})
		}
		return build.Slot(f)
	}
	l.name, l.old, l.now = field("displayName", "name"), field("oldValue"), field("newValue")
	l.plan = build.Plan()
	return l
}

const maxProperties = 1000

// read reads one value of the list: a member, or the list itself where it is text. Of a
// list that is none the members follow.
func (l *propertyList) read(v []byte, into []entitlement.Property) []entitlement.Property {
	if len(v) < 2 || len(into) >= maxProperties {
		return into
	}
	if v[0] == '[' {
		// A list by itself is followed by its members, which are then read twice; what is
		// added twice counts once.
		var list []json.RawMessage
		if json.Unmarshal(v, &list) != nil {
			return into
		}
		for _, x := range list {
			if x[0] == '{' {
				into = l.read(x, into)
			}
		}
		return into
	}
	if v[0] != '{' {
		return into
	}
	doc := l.plan.NewDoc()
	if _, err := l.plan.Scan(v, doc); err != nil {
		return into
	}
	text := func(id slot.ID) string {
		if x := doc.First(id); x >= 0 && doc.Kind(x) != slot.Null {
			return string(doc.Text(x))
		}
		return ""
	}
	return append(into, entitlement.Property{Name: text(l.name), Old: text(l.old), New: text(l.now)})
}
