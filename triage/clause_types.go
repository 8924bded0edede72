package triage

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/yagura-sec/yagura"
)

// The types of the language beyond CEL's own. Every field of an object can be asked: one
// that the data does not have is empty, and has() tells the difference.
var (
	severityType = cel.ObjectType("severity", traits.ComparerType)
	cidrType     = cel.ObjectType("cidr", traits.ContainerType)
	entityType   = cel.ObjectType("entity")
	whyType      = cel.ObjectType("why")
	actorType    = cel.ObjectType("actor")
	ruleType     = cel.ObjectType("rule")
	eventRefType = cel.ObjectType("event_header")
	findingType  = cel.ObjectType("finding")
	accountType  = cel.ObjectType("account")
	issueType    = cel.ObjectType("issue")
	usualType    = cel.ObjectType("usual")
	baselineType = cel.ObjectType("baseline")
	eventType    = cel.MapType(cel.StringType, cel.DynType)
)

// field is one field of an object: how it is read, whether it is there.
type field struct {
	typ *cel.Type
	get func(object any) any
	set func(object any) bool
}

// member makes a field of a struct from a function that reads it. Absent is the zero
// value, and a list without members.
func member[T, V any](typ *cel.Type, get func(*T) V) field {
	return field{typ: typ,
		get: func(o any) any {
			if x, ok := o.(*T); ok {
				return get(x)
			}
			return types.NewErr("no such overload: %T has no such field", o)
		},
		set: func(o any) bool {
			x, ok := o.(*T)
			if !ok {
				return false
			}
			v := reflect.ValueOf(get(x))
			if v.Kind() == reflect.Slice {
				return v.Len() > 0
			}
			if v.Kind() == reflect.Pointer {
				return !v.IsNil() && !v.Elem().IsZero()
			}
			return !v.IsZero()
		}}
}

func textField[T any](get func(*T) string) field { return member(cel.StringType, get) }

// objects are the fields of each type of object, by the names of the JSON contracts.
var objects = map[string]map[string]field{
	"finding": {
		"id":        textField(func(f *yagura.Finding) string { return f.ID }),
		"cause_key": textField(func(f *yagura.Finding) string { return f.CauseKey }),
		"kind":      textField(func(f *yagura.Finding) string { return string(f.Kind) }),
		"rule":      member(ruleType, func(f *yagura.Finding) *yagura.RuleRef { return &f.Rule }),
		"severity":  member(severityType, func(f *yagura.Finding) level { return level(f.Severity) }),

		"severity_original": textField(func(f *yagura.Finding) string { return f.SeverityOriginal }),
		"format":            textField(func(f *yagura.Finding) string { return f.Format }),
		"source":            textField(func(f *yagura.Finding) string { return f.Source }),
		"time":              member(cel.TimestampType, func(f *yagura.Finding) time.Time { return f.Time }),
		"event":             member(eventRefType, func(f *yagura.Finding) *yagura.EventRef { return &f.Event }),
		"events":            member(cel.ListType(cel.StringType), func(f *yagura.Finding) []string { return f.Events }),
		"entities":          member(cel.ListType(entityType), func(f *yagura.Finding) []yagura.Entity { return f.Entities }),
		"why":               member(cel.ListType(whyType), func(f *yagura.Finding) []yagura.Why { return f.Why }),
		"output":            textField(func(f *yagura.Finding) string { return f.Output }),
		"mode":              textField(func(f *yagura.Finding) string { return f.Mode }),
		"caps":              member(cel.ListType(cel.StringType), func(f *yagura.Finding) []string { return f.Caps }),
	},
	"rule": {
		"id":     textField(func(r *yagura.RuleRef) string { return r.ID }),
		"title":  textField(func(r *yagura.RuleRef) string { return r.Title }),
		"engine": textField(func(r *yagura.RuleRef) string { return string(r.Engine) }),
		"file":   textField(func(r *yagura.RuleRef) string { return r.File }),
		"tags":   member(cel.ListType(cel.StringType), func(r *yagura.RuleRef) []string { return r.Tags }),
	},
	"event_header": {
		"id":      textField(func(e *yagura.EventRef) string { return e.ID }),
		"time":    member(cel.TimestampType, func(e *yagura.EventRef) time.Time { return e.Time }),
		"account": textField(func(e *yagura.EventRef) string { return e.Account }),
		"region":  textField(func(e *yagura.EventRef) string { return e.Region }),
		"action":  textField(func(e *yagura.EventRef) string { return e.Action }),
		"actor":   member(actorType, func(e *yagura.EventRef) *yagura.Actor { return &e.Actor }),
		"src_ip":  textField(func(e *yagura.EventRef) string { return e.SrcIP }),
		"outcome": textField(func(e *yagura.EventRef) string { return e.Outcome }),
	},
	"actor": {
		"type":       textField(func(a *yagura.Actor) string { return a.Type }),
		"id":         textField(func(a *yagura.Actor) string { return a.ID }),
		"name":       textField(func(a *yagura.Actor) string { return a.Name }),
		"session_of": textField(func(a *yagura.Actor) string { return a.SessionOf }),
	},
	"entity": {
		"type": textField(func(e *yagura.Entity) string { return e.Type }),
		"id":   textField(func(e *yagura.Entity) string { return e.ID }),
	},
	"why": {
		"field":  textField(func(w *yagura.Why) string { return w.Field }),
		"op":     textField(func(w *yagura.Why) string { return w.Op }),
		"value":  textField(func(w *yagura.Why) string { return w.Value }),
		"actual": textField(func(w *yagura.Why) string { return w.Actual }),
	},
	"account": {
		"id":           textField(func(a *yagura.AccountInfo) string { return a.ID }),
		"name":         textField(func(a *yagura.AccountInfo) string { return a.Name }),
		"organisation": textField(func(a *yagura.AccountInfo) string { return a.Organisation }),
		"owner":        textField(func(a *yagura.AccountInfo) string { return a.Owner }),
		"environment":  textField(func(a *yagura.AccountInfo) string { return a.Environment }),
		"tags":         member(cel.ListType(cel.StringType), func(a *yagura.AccountInfo) []string { return a.Tags }),
		"channel":      textField(func(a *yagura.AccountInfo) string { return a.Channel }),
		"repository":   textField(func(a *yagura.AccountInfo) string { return a.Repository }),
		"cloud":        textField(func(a *yagura.AccountInfo) string { return a.Cloud }),
		"listed":       member(cel.BoolType, func(a *yagura.AccountInfo) bool { return a.Listed }),
	},
	"issue": {
		"id":               textField(func(i *yagura.Issue) string { return i.ID }),
		"status":           textField(func(i *yagura.Issue) string { return string(i.Status) }),
		"conclusion":       textField(func(i *yagura.Issue) string { return string(i.Conclusion) }),
		"severity":         member(severityType, func(i *yagura.Issue) level { return level(i.Severity) }),
		"episode":          member(cel.IntType, func(i *yagura.Issue) int { return i.Episode }),
		"flapping":         member(cel.BoolType, func(i *yagura.Issue) bool { return i.Flapping }),
		"count":            member(cel.IntType, func(i *yagura.Issue) uint64 { return i.Count }),
		"opened":           member(cel.TimestampType, func(i *yagura.Issue) time.Time { return i.Opened }),
		"first_seen":       member(cel.TimestampType, func(i *yagura.Issue) time.Time { return i.FirstSeen }),
		"last_seen":        member(cel.TimestampType, func(i *yagura.Issue) time.Time { return i.LastSeen }),
		"assignee":         textField(func(i *yagura.Issue) string { return i.Assignee }),
		"labels":           member(cel.ListType(cel.StringType), func(i *yagura.Issue) []string { return i.Labels }),
		"suppressed_until": member(cel.TimestampType, func(i *yagura.Issue) time.Time { return i.SuppressedUntil }),
	},
	"usual": {
		"network":  dimension("network"),
		"country":  dimension("country"),
		"agent":    dimension("agent"),
		"api":      dimension("api"),
		"hour":     dimension("hour"),
		"resource": dimension("resource"),
		"region":   dimension("region"),
	},
	"baseline": {
		"first":      member(cel.BoolType, func(u *yagura.Usual) bool { return u.First }),
		"rare":       member(cel.BoolType, func(u *yagura.Usual) bool { return u.Rare }),
		"learning":   member(cel.BoolType, func(u *yagura.Usual) bool { return u.Learning }),
		"value":      textField(func(u *yagura.Usual) string { return u.Value }),
		"count":      member(cel.IntType, func(u *yagura.Usual) int { return int(u.Count) }),
		"days":       member(cel.IntType, func(u *yagura.Usual) int { return u.Days }),
		"total":      member(cel.IntType, func(u *yagura.Usual) int { return int(u.Total) }),
		"known_days": member(cel.IntType, func(u *yagura.Usual) int { return u.KnownDays }),
		"since":      member(cel.TimestampType, func(u *yagura.Usual) time.Time { return u.Since }),
		"last":       member(cel.TimestampType, func(u *yagura.Usual) time.Time { return u.Last }),
		"peers":      member(cel.IntType, func(u *yagura.Usual) int { return u.Peers }),
		"peers_with": member(cel.IntType, func(u *yagura.Usual) int { return u.PeersWith }),
	},
}

// provider tells CEL of the objects, and makes its values of ours.
type provider struct{ *types.Registry }

// FindStructType returns one of the types of objects.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := objects[name]; ok {
		return types.NewTypeTypeWithParam(cel.ObjectType(name)), true
	}
	return nil, false
}

// FindIdent finds nothing: the names of our types are no values.
func (p provider) FindIdent(name string) (ref.Val, bool) {
	if _, ours := objects[name]; ours {
		return nil, false
	}
	return p.Registry.FindIdent(name)
}

// FindStructFieldNames lists the fields of an object.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	o, ok := objects[name]
	return slices.Sorted(maps.Keys(o)), ok
}

// FindStructFieldType returns a field of an object.
func (p provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	f, ok := objects[name][fieldName]
	if !ok {
		return nil, false
	}
	return &types.FieldType{Type: f.typ,
		IsSet: func(o any) bool { return f.set(o) },
		GetFrom: func(o any) (any, error) {
			v := f.get(o)
			if err, bad := v.(*types.Err); bad {
				return nil, err
			}
			return v, nil
		}}, true
}

// NewValue refuses: conditions make no objects.
func (p provider) NewValue(name string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("a condition cannot make a %s", name)
}

// NativeToValue makes CEL's values of ours.
func (p provider) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case ref.Val:
		return v
	case string:
		return types.String(v)
	case bool:
		return types.Bool(v)
	case int:
		return types.Int(v)
	case uint64:
		return types.Int(min(v, 1<<62))
	case time.Time:
		return types.Timestamp{Time: v}
	case yagura.Entity:
		return object{entityType, &v}
	case yagura.Why:
		return object{whyType, &v}
	case *yagura.Finding:
		return object{findingType, v}
	case *yagura.RuleRef:
		return object{ruleType, v}
	case *yagura.EventRef:
		return object{eventRefType, v}
	case *yagura.Actor:
		return object{actorType, v}
	case *yagura.AccountInfo:
		return object{accountType, v}
	case *yagura.Issue:
		return object{issueType, v}
	case *usual:
		return object{usualType, v}
	case *yagura.Usual:
		return object{baselineType, v}
	case []string:
		return types.NewStringList(p, v)
	case []yagura.Entity:
		return types.NewDynamicList(p, v)
	case []yagura.Why:
		return types.NewDynamicList(p, v)
	case map[string]any:
		return types.NewStringInterfaceMap(p, v)
	case []any:
		return types.NewDynamicList(p, v)
	}
	return p.Registry.NativeToValue(v)
}

// object is one of our structs as a value of CEL.
type object struct {
	typ *cel.Type
	it  any
}

// ConvertToNative returns the struct.
func (o object) ConvertToNative(to reflect.Type) (any, error) {
	if v := reflect.ValueOf(o.it); v.Type().AssignableTo(to) {
		return o.it, nil
	}
	return nil, fmt.Errorf("a %s is no %s", o.typ, to)
}

// ConvertToType converts to the type of the type only.
func (o object) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return o.typ
	}
	return types.NewErr("a %s is no %s", o.typ, to.TypeName())
}

// Equal compares what the structs hold.
func (o object) Equal(other ref.Val) ref.Val {
	x, ok := other.(object)
	return types.Bool(ok && x.typ == o.typ && reflect.DeepEqual(o.it, x.it))
}

// Type returns the type of the object.
func (o object) Type() ref.Type { return o.typ }

// Value returns the struct.
func (o object) Value() any { return o.it }

// level is a severity as a value of CEL, comparable by order. That of an issue that is
// not there is below none.
type level yagura.Severity

// ConvertToNative refuses: nothing needs it.
func (l level) ConvertToNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("a severity is no %s", to)
}

// ConvertToType converts to text.
func (l level) ConvertToType(to ref.Type) ref.Val {
	switch to {
	case types.StringType:
		return types.String(yagura.Severity(l).String())
	case types.TypeType:
		return severityType
	}
	return types.NewErr("a severity is no %s", to.TypeName())
}

// Equal says whether both are one level.
func (l level) Equal(other ref.Val) ref.Val {
	o, ok := other.(level)
	return types.Bool(ok && o == l)
}

// Compare orders levels.
func (l level) Compare(other ref.Val) ref.Val {
	o, ok := other.(level)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return types.Int(int(l) - int(o))
}

// Type returns the type of severities.
func (l level) Type() ref.Type { return severityType }

// Value returns the severity.
func (l level) Value() any { return yagura.Severity(l) }
