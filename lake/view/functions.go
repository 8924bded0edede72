package view

import (
	"slices"
	"strings"
)

// Function is a table that is called with filters, as ASIM's parsers are:
// _Im_Dns(starttime=ago(1h), domain_has_any=names).
type Function struct {
	Name   string
	Title  string
	Params []Param
	Body   string // KQL over a table of this room, with the parameters' names
}

// Param is a parameter of a function, with the value that it has where a call leaves it out.
type Param struct{ Name, Type, Default string }

// Let writes the function as a let statement of KQL, in one line.
func (f Function) Let() string {
	params := make([]string, len(f.Params))
	for i, p := range f.Params {
		params[i] = p.Name + ":" + p.Type + "=" + p.Default
	}
	return "let " + f.Name + " = (" + strings.Join(params, ", ") + ") { " + f.Body + " }; "
}

// Functions returns all functions by name.
func Functions() []Function {
	var out []Function
	for _, s := range asim() {
		for _, name := range s.names {
			out = append(out, s.function(name))
		}
	}
	slices.SortFunc(out, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Prelude returns the let statements of the functions that a query calls, to be put before
// it: one line with its end, or nothing. A function is also a table; where its name stands
// without brackets behind it, it is that.
func Prelude(query string) string {
	var b strings.Builder
	for _, f := range Functions() {
		if calls(query, f.Name) {
			b.WriteString(f.Let())
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

// calls says whether a name with an opening bracket behind it stands in a query. It may
// stand in a text or a comment: a let statement too many does no harm.
func calls(query, name string) bool {
	for rest := query; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		before := i == 0 || !nameByte(rest[i-1])
		rest = rest[i+len(name):]
		if before && strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n"), "(") {
			return true
		}
	}
}

func nameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// filter is a parameter of a schema and the condition that it puts on a column.
type filter struct{ name, kind, column string }

// filters of ASIM's parsers. The kinds: any and all compare with has_any and has_all, prefix
// with the starts of addresses, in and equal with whole values ("*" is all).
var filters = map[string][]filter{
	"Authentication": {{"username_has_any", "any", "TargetUsername"}, {"targetusername_has", "has", "TargetUsername"},
		{"targetappname_has_any", "any", "TargetAppName"}, {"srcipaddr_has_any_prefix", "prefix", "SrcIpAddr"}, {"srchostname_has_any", "any", "SrcHostname"},
		{"eventtype_in", "in", "EventType"}, {"eventresultdetails_in", "in", "EventResultDetails"}, {"eventresult", "equal", "EventResult"}},
	"NetworkSession": {{"srcipaddr_has_any_prefix", "prefix", "SrcIpAddr"}, {"dstipaddr_has_any_prefix", "prefix", "DstIpAddr"},
		{"ipaddr_has_any_prefix", "prefix", "SrcIpAddr DstIpAddr"}, {"dstportnumber", "number", "DstPortNumber"}, {"hostname_has_any", "any", "DstHostname"},
		{"dvcaction", "in", "DvcAction"}, {"eventresult", "equal", "EventResult"}},
	"Dns": {{"srcipaddr", "equal", "SrcIpAddr"}, {"domain_has_any", "any", "DnsQuery"}, {"responsecodename", "equal", "DnsResponseCodeName"},
		{"response_has_ipv4", "hasor", "DnsResponseName"}, {"response_has_any_prefix", "any", "DnsResponseName"}, {"eventtype", "none", ""}},
	"WebSession": {{"srcipaddr_has_any_prefix", "prefix", "SrcIpAddr"}, {"ipaddr_has_any_prefix", "prefix", "SrcIpAddr DstIpAddr"}, {"url_has_any", "any", "Url"},
		{"httpuseragent_has_any", "any", "HttpUserAgent"}, {"eventresultdetails_in", "in", "EventResultDetails"}, {"eventresultdetails_has_any", "any", "EventResultDetails"},
		{"eventresult", "equal", "EventResult"}},
	"AuditEvent": {{"srcipaddr_has_any_prefix", "prefix", "SrcIpAddr"}, {"actorusername_has_any", "any", "ActorUsername"}, {"operation_has_any", "any", "Operation"},
		{"eventtype_in", "in", "EventType"}, {"eventresult", "equal", "EventResult"}, {"object_has_any", "any", "Object"}, {"newvalue_has_any", "any", "NewValue"}},
	"UserManagement": {{"srcipaddr_has_any_prefix", "prefix", "SrcIpAddr"}, {"targetusername_has_any", "any", "TargetUsername"},
		{"actorusername_has_any", "any", "ActorUsername"}, {"eventtype_in", "in", "EventType"}},
	"ProcessEvent": {{"commandline_has_all", "all", "CommandLine"}, {"commandline_has_any", "any", "CommandLine"}, {"commandline_has_any_ip_prefix", "any", "CommandLine"},
		{"actingprocess_has_any", "any", "ActingProcessName"}, {"targetprocess_has_any", "any", "TargetProcessName"}, {"parentprocess_has_any", "any", "ParentProcessName"},
		{"targetusername_has", "has", "TargetUsername"}, {"actorusername_has", "has", "ActorUsername"}, {"dvcipaddr_has_any_prefix", "prefix", "DvcIpAddr"},
		{"dvchostname_has_any", "any", "DvcHostname"}, {"dvcname_has_any", "any", "DvcHostname"}, {"eventtype", "equal", "EventType"}, {"hashes_has_any", "any", "SHA256"}},
	"FileEvent": {{"eventtype_in", "in", "EventType"}, {"srcipaddr_has_any_prefix", "prefix", "SrcIpAddr"}, {"actorusername_has_any", "any", "ActorUsername"},
		{"targetfilepath_has_any", "any", "TargetFilePath"}, {"srcfilepath_has_any", "any", "SrcFilePath"}, {"hashes_has_any", "any", "TargetFileSHA256"},
		{"dvchostname_has_any", "any", "DvcHostname"}},
	"RegistryEvent": {{"eventtype_in", "in", "EventType"}, {"actorusername_has_any", "any", "ActorUsername"}, {"registrykey_has_any", "any", "RegistryKey"},
		{"registryvalue_has_any", "any", "RegistryValue"}, {"registrydata_has_any", "any", "RegistryValueData"}, {"dvchostname_has_any", "any", "DvcHostname"}},
}

// function is a schema under one of its names. Its body names the same table by another of
// its names, because a let statement hides the table that it has the name of.
func (s normal) function(name string) Function {
	table := s.names[0]
	if table == name {
		table = s.names[1]
	}
	f := Function{Name: name, Title: s.title, Params: []Param{{"starttime", "datetime", "datetime(null)"}, {"endtime", "datetime", "datetime(null)"}}}
	conds := []string{table, "where isnull(starttime) or TimeGenerated >= starttime", "where isnull(endtime) or TimeGenerated <= endtime"}
	for _, p := range filters[s.schema] {
		param := Param{p.name, "dynamic", "dynamic([])"}
		open := "array_length(" + p.name + ") == 0 or isnull(" + p.name + ")"
		one := func(cond func(column string) string) {
			var parts []string
			for c := range strings.FieldsSeq(p.column) {
				parts = append(parts, cond(c))
			}
			conds = append(conds, "where "+open+" or "+strings.Join(parts, " or "))
		}
		switch p.kind {
		case "any", "all":
			one(func(c string) string { return c + " has_" + p.kind + " (" + p.name + ")" })
		case "in":
			one(func(c string) string { return c + " in~ (" + p.name + ")" })
		case "prefix":
			one(func(c string) string {
				return "has_any_ipv4_prefix(" + c + ", " + p.name + ") or " + c + " in~ (" + p.name + ")"
			})
		case "number":
			param.Type, param.Default = "int", "int(null)"
			open = "isnull(" + p.name + ")"
			one(func(c string) string { return c + " == " + p.name })
		case "has", "hasor", "equal", "none":
			param.Type, param.Default = "string", "'*'"
			open = p.name + " == '*'"
			switch p.kind {
			case "equal":
				one(func(c string) string { return c + " =~ " + p.name })
			case "has", "hasor":
				one(func(c string) string { return c + " has " + p.name })
			}
		}
		f.Params = append(f.Params, param)
	}
	f.Params = append(f.Params, Param{"disabled", "bool", "false"}, Param{"pack", "bool", "false"})
	conds = append(conds, "where not(disabled)")
	f.Body = strings.Join(conds, " | ")
	return f
}
