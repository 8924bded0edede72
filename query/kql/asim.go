package kql

import "slices"

// asimFilters are the arguments of ASIM's parsers that are conditions here: the
// operator, and the columns of which one must meet it.
var asimFilters = map[string]struct {
	op   string
	cols []string
}{
	"eventtype_in":             {"in~", []string{"EventType"}},
	"eventresult":              {"=~", []string{"EventResult"}},
	"eventresultdetails_in":    {"in~", []string{"EventResultDetails"}},
	"username_has_any":         {"has_any", []string{"TargetUsername", "ActorUsername", "User"}},
	"targetusername_has_any":   {"has_any", []string{"TargetUsername"}},
	"actorusername_has_any":    {"has_any", []string{"ActorUsername"}},
	"targetappname_has_any":    {"has_any", []string{"TargetAppName"}},
	"operation_has_any":        {"has_any", []string{"Operation"}},
	"object_has_any":           {"has_any", []string{"Object"}},
	"domain_has_any":           {"has_any", []string{"DnsQuery", "Domain"}},
	"url_has_any":              {"has_any", []string{"Url"}},
	"httpuseragent_has_any":    {"has_any", []string{"HttpUserAgent"}},
	"hostname_has_any":         {"has_any", []string{"DvcHostname", "SrcHostname", "DstHostname"}},
	"dvchostname_has_any":      {"has_any", []string{"DvcHostname"}},
	"dstportnumber":            {"==", []string{"DstPortNumber"}},
	"srcipaddr_has_any_prefix": {"prefix", []string{"SrcIpAddr"}},
	"dstipaddr_has_any_prefix": {"prefix", []string{"DstIpAddr"}},
	"ipaddr_has_any_prefix":    {"prefix", []string{"SrcIpAddr", "DstIpAddr"}},
	"newvalue_has_any":         {"has_any", []string{"NewValue"}},
	"commandline_has_any":      {"has_any", []string{"CommandLine"}},
	"commandline_has_all":      {"has_all", []string{"CommandLine"}},
	"targetprocess_has_any":    {"has_any", []string{"TargetProcessName"}},
	"actingprocess_has_any":    {"has_any", []string{"ActingProcessName"}},
	"responsecodename":         {"=~", []string{"EventResultDetails"}},
	"dvcaction":                {"in~", []string{"DvcAction"}},
}

// filtered applies the arguments of a call of a table: starttime and endtime bound
// its time, others are conditions. What is not known is refused, not left out.
func (b *binder) filtered(r *rel, n *callNode, e *env) (*rel, error) {
	sc := r.op.(*scan)
	for i, a := range n.args {
		name := ""
		switch {
		case len(a.names) == 1:
			name = a.names[0]
		case i < 2:
			name = []string{"starttime", "endtime"}[i]
		}
		x, err := b.scalar(a.value, e)
		if err != nil {
			return nil, err
		}
		if v := x.Const; v != nil && (v.Null || v.Str == "*" || v.Str == "[]" || x.Type == "string" && v.Str == "") {
			continue // the argument's default: no condition
		}
		col := func(c string) node { return &nameNode{a.Span, c} }
		var cond node
		switch name {
		case "disabled", "pack":
			continue
		case "starttime":
			cond = &binNode{Span: a.Span, op: ">=", l: col(sc.table.Time), r: a.value}
		case "endtime":
			cond = &binNode{Span: a.Span, op: "<=", l: col(sc.table.Time), r: a.value}
		default:
			f, ok := asimFilters[name]
			if !ok {
				return nil, b.errAt(a.Span, "filter with where", "%s() takes no argument %s here", n.name.text, name)
			}
			for _, c := range f.cols {
				if !slices.ContainsFunc(r.fields, func(f field) bool { return f.name == c }) {
					continue
				}
				var one node
				switch f.op {
				case "in~", "has_any", "has_all":
					one = &inNode{Span: a.Span, op: f.op, x: col(c), list: []node{a.value}}
				case "prefix":
					one = &callNode{Span: a.Span, name: token{kind: kIdent, text: "has_any_ipv4_prefix", Span: a.Span}, args: []*item{{value: col(c)}, {value: a.value}}}
				default:
					one = &binNode{Span: a.Span, op: f.op, l: col(c), r: a.value}
				}
				if cond != nil {
					one = &binNode{Span: a.Span, op: "or", l: cond, r: one}
				}
				cond = one
			}
			if cond == nil {
				return nil, b.errAt(a.Span, "filter with where", "%s() has no column for the argument %s", n.name.text, name)
			}
		}
		if r, err = b.where(r, cond, &scope{env: e, rel: r}); err != nil {
			return nil, err
		}
	}
	return r, nil
}
