package triage

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones are there on machines that have no database of their own

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// functions are those of the language beyond CEL's own; docs/policy.md lists them.
func functions() []cel.EnvOption {
	text, texts := cel.StringType, cel.ListType(cel.StringType)
	var zones zoneCache
	opts := []cel.EnvOption{
		cel.Function("cidr",
			cel.Overload("cidr_text", []*cel.Type{text}, cidrType, cel.UnaryBinding(cidrOf)),
			cel.Overload("cidr_list", []*cel.Type{texts}, cidrType, cel.UnaryBinding(cidrOf))),
		cel.Function(operators.In, cel.Overload("in_cidr", []*cel.Type{text, cidrType}, cel.BoolType)),
		cel.Function("string", cel.Overload("severity_to_string", []*cel.Type{severityType}, text,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return v.ConvertToType(types.StringType) }))),
		cel.Function("glob",
			cel.MemberOverload("glob_text", []*cel.Type{text, text}, cel.BoolType, cel.BinaryBinding(globs)),
			cel.MemberOverload("glob_list", []*cel.Type{text, texts}, cel.BoolType, cel.BinaryBinding(globs))),
		cel.Function("lower", cel.MemberOverload("lower_text", []*cel.Type{text}, text, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return types.String(strings.ToLower(string(v.(types.String))))
		}))),
		cel.Function("email", cel.MemberOverload("email_text", []*cel.Type{text}, text, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return types.String(emailIn(string(v.(types.String))))
		}))),
		cel.Function("between", cel.MemberOverload("time_between", []*cel.Type{cel.TimestampType, text, text, text}, cel.BoolType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val { return between(&zones, args) }))),
		cel.Function("weekday", cel.MemberOverload("time_weekday", []*cel.Type{cel.TimestampType, text}, text,
			cel.BinaryBinding(func(at, zone ref.Val) ref.Val {
				loc, err := zones.load(string(zone.(types.String)))
				if err != nil {
					return types.WrapErr(err)
				}
				return types.String(strings.ToLower(at.(types.Timestamp).In(loc).Weekday().String()[:3]))
			}))),
		cel.Function("values", cel.MemberOverload("event_values", []*cel.Type{eventType, text}, texts, cel.BinaryBinding(func(m, path ref.Val) ref.Val {
			list, err := valuesAt(m.Value(), string(path.(types.String)), maxValuesAt)
			if err != nil {
				return types.WrapErr(err)
			}
			return types.NewStringList(types.DefaultTypeAdapter, list)
		}))),
		cel.Function("text", cel.MemberOverload("event_text", []*cel.Type{eventType, text}, text, cel.BinaryBinding(func(m, path ref.Val) ref.Val {
			v, err := valuesAt(m.Value(), string(path.(types.String)), 1)
			switch {
			case err != nil:
				return types.WrapErr(err)
			case len(v) > 0:
				return types.String(v[0])
			}
			return types.String("")
		}))),
	}
	for op, id := range map[string]string{operators.Less: "less", operators.LessEquals: "less_equals",
		operators.Greater: "greater", operators.GreaterEquals: "greater_equals"} {
		opts = append(opts, cel.Function(op, cel.Overload(id+"_severity", []*cel.Type{severityType, severityType}, cel.BoolType)))
	}
	return opts
}

// pureOf are the functions that are computed once, at load, where all their arguments
// are constants.
func isPure(function string) bool { return function == "cidr" }

// cidrs is a set of networks as a value of CEL: `address in cidr("10.0.0.0/8")`.
type cidrs []netip.Prefix

func parseCIDRs(list []string) (cidrs, error) {
	out := make(cidrs, 0, len(list))
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, aerr := netip.ParseAddr(s)
			if aerr != nil || a.Zone() != "" {
				return nil, fmt.Errorf("%q is no network: want one like 203.0.113.0/24", s)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Masked() != p {
			return nil, fmt.Errorf("%q has bits beyond its length: did you mean %s?", s, p.Masked())
		}
		out = append(out, p)
	}
	return out, nil
}

func cidrOf(v ref.Val) ref.Val {
	list, bad := textsOf(v)
	if bad != nil {
		return bad
	}
	c, err := parseCIDRs(list)
	if err != nil {
		return types.WrapErr(err)
	}
	return c
}

// textsOf returns the texts of a list, or of one text.
func textsOf(v ref.Val) ([]string, ref.Val) {
	switch v := v.(type) {
	case types.String:
		return []string{string(v)}, nil
	case traits.Lister:
		n, _ := v.Size().(types.Int)
		out := make([]string, 0, n)
		for i := range n {
			s, ok := v.Get(i).(types.String)
			if !ok {
				return nil, types.NewErr("a member of the list is no text")
			}
			out = append(out, string(s))
		}
		return out, nil
	}
	return nil, types.MaybeNoSuchOverloadErr(v)
}

// Contains says whether an address is in one of the networks. What is no address is in none.
func (c cidrs) Contains(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	a, err := netip.ParseAddr(string(s))
	if err != nil {
		return types.False
	}
	a = a.Unmap().WithZone("")
	return types.Bool(slices.ContainsFunc(c, func(p netip.Prefix) bool { return p.Contains(a) }))
}

// ConvertToNative refuses: nothing needs it.
func (c cidrs) ConvertToNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("a cidr is no %s", to)
}

// ConvertToType converts to the type of the type only.
func (c cidrs) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return cidrType
	}
	return types.NewErr("a cidr is no %s", to.TypeName())
}

// Equal says whether both hold the same networks in the same order.
func (c cidrs) Equal(other ref.Val) ref.Val {
	o, ok := other.(cidrs)
	return types.Bool(ok && slices.Equal(c, o))
}

// Type returns the type of sets of networks.
func (c cidrs) Type() ref.Type { return cidrType }

// Value returns the networks.
func (c cidrs) Value() any { return []netip.Prefix(c) }

// maxGlob bounds the text that a pattern is matched with: the work is the product of both.
const maxGlob = 64 << 10

func globs(v, pattern ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	list, bad := textsOf(pattern)
	if bad != nil {
		return bad
	}
	if len(s) > maxGlob {
		return types.NewErr("glob: the text has %d bytes, more than %d", len(s), maxGlob)
	}
	return types.Bool(slices.ContainsFunc(list, func(p string) bool { return globMatch(p, string(s)) }))
}

// globMatch says whether a pattern matches the whole of a text: * is any text, ? is one
// character, and a backslash takes the next character as it is. It goes back to the last
// star only, so it takes at most the product of both lengths.
func globMatch(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
			continue
		case i < len(p) && p[i] == '?':
			i++
			j++
			continue
		case i+1 < len(p) && p[i] == '\\' && p[i+1] == t[j]:
			i += 2
			j++
			continue
		case i < len(p) && p[i] != '\\' && p[i] == t[j], i == len(p)-1 && p[i] == '\\' && t[j] == '\\':
			i++
			j++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		i, j = star+1, mark
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

var emailPattern = regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}`)

// emailIn returns the last e-mail address in a text: a session's ARN ends in it.
func emailIn(s string) string {
	if len(s) > 2048 || !strings.Contains(s, "@") {
		return ""
	}
	all := emailPattern.FindAllString(s, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// zoneCache keeps the time zones that were asked for: reading one takes a file. There are
// about 600 names, so it is small.
type zoneCache struct{ m sync.Map }

func (z *zoneCache) load(name string) (*time.Location, error) {
	if loc, ok := z.m.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := location(name)
	if err == nil {
		z.m.Store(name, loc)
	}
	return loc, err
}

// location reads a zone by name. The zone of this machine is none: a policy means the
// same everywhere.
func location(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("there is no time zone %q", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("there is no time zone %q", name)
	}
	return loc, nil
}

// between says whether the time of day is from the first, included, to the second, not
// included, in a zone; a first that is later goes over midnight.
func between(zones *zoneCache, args []ref.Val) ref.Val {
	from, err := minutes(string(args[1].(types.String)))
	to, terr := minutes(string(args[2].(types.String)))
	loc, zerr := zones.load(string(args[3].(types.String)))
	for _, e := range []error{err, terr, zerr} {
		if e != nil {
			return types.WrapErr(e)
		}
	}
	at := args[0].(types.Timestamp).In(loc)
	now := at.Hour()*60 + at.Minute()
	if from <= to {
		return types.Bool(from <= now && now < to)
	}
	return types.Bool(now >= from || now < to)
}

// minutes reads a time of day, 00:00 to 24:00.
func minutes(s string) (int, error) {
	if h, m, ok := strings.Cut(s, ":"); ok && len(h) == 2 && len(m) == 2 {
		hour, err := strconv.ParseUint(h, 10, 8)
		minute, merr := strconv.ParseUint(m, 10, 8)
		if err == nil && merr == nil && minute < 60 && (hour < 24 || hour == 24 && minute == 0) {
			return int(hour*60 + minute), nil
		}
	}
	return 0, fmt.Errorf("%q is no time of day: want one like 08:30", s)
}

// maxValuesAt bounds what event.values returns, maxWalk the members that it looks at.
const (
	maxValuesAt = 1000
	maxWalk     = 10_000
)

// valuesAt returns the scalars at a path, lists entered on the way, as text.
func valuesAt(v any, path string, most int) ([]string, error) {
	out, steps := []string{}, 0
	var walk func(v any, rest []string)
	walk = func(v any, rest []string) {
		if steps++; len(out) >= most || steps > maxWalk {
			return
		}
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x, rest)
			}
		case map[string]any:
			if len(rest) > 0 {
				if x, ok := v[rest[0]]; ok {
					walk(x, rest[1:])
				}
			}
		default:
			if s, ok := scalarText(v); ok && len(rest) == 0 {
				out = append(out, s)
			}
		}
	}
	walk(v, strings.Split(path, "."))
	if steps > maxWalk && len(out) < most {
		return nil, fmt.Errorf("more than %d members on the way of %q", maxWalk, path)
	}
	return out, nil
}

// scalarText writes a value as JSON does, a text without its quotes.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case uint64:
		return strconv.FormatUint(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}
