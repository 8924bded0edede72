package sentinel

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura"
)

// entityTypes are Sentinel's entity types with their identifiers, and what they are here.
// docs/sentinel-rules.md has the same table.
var entityTypes = map[string]string{
	"account": yagura.EntityUser, "host": yagura.EntityHost, "ip": yagura.EntityIP, "dns": yagura.EntityDomain, "url": yagura.EntityResource,
	"azureresource": yagura.EntityResource, "cloudapplication": yagura.EntityServicePrincipal, "mailbox": yagura.EntityUser,
	"securitygroup": yagura.EntityResource, "file": yagura.EntityResource, "filehash": yagura.EntityResource, "process": yagura.EntityResource,
	"registrykey": yagura.EntityResource, "registryvalue": yagura.EntityResource, "malware": yagura.EntityResource,
	"mailcluster": yagura.EntityResource, "mailmessage": yagura.EntityResource, "submissionmail": yagura.EntityResource, "iotdevice": yagura.EntityHost,
}

// EntityType returns what an entity type of Sentinel is here; "" for one that is not known.
func EntityType(sentinel string) string { return entityTypes[strings.ToLower(sentinel)] }

func (p *reader) entities(r *Rule) {
	for _, item := range p.items(p.keys["entityMappings"], "entityMappings") {
		m := p.mapping(item, "an entity mapping", []string{"entityType", "fieldMappings"})
		e := Entity{Type: p.text(m["entityType"], "entityType")}
		if EntityType(e.Type) == "" {
			p.refuse(cmp.Or(m["entityType"], item), fmt.Sprintf("unknown entityType %q", cut(e.Type)), "docs/sentinel-rules.md lists them")
			continue
		}
		for _, f := range p.items(m["fieldMappings"], "fieldMappings") {
			k := p.mapping(f, "a field mapping", []string{"identifier", "columnName"})
			id, column := p.text(k["identifier"], "identifier"), p.text(k["columnName"], "columnName")
			if id == "" || column == "" {
				p.refuse(f, "a field mapping needs identifier and columnName", "")
				continue
			}
			e.Fields = append(e.Fields, EntityField{id, column})
		}
		if len(e.Fields) == 0 || len(e.Fields) > maxFields {
			p.refuse(item, fmt.Sprintf("an entity mapping has %d field mappings", len(e.Fields)), "")
			continue
		}
		r.Entities = append(r.Entities, e)
	}
	// sentinelEntitiesMappings names a column with entities as the product writes them. It
	// adds nothing that entityMappings cannot say, and no table here has such a column.
	if n := p.keys["sentinelEntitiesMappings"]; n != nil && len(n.Content) > 0 {
		p.warn(n, "sentinelEntitiesMappings has no effect: no table has a column of Sentinel's entities", "use entityMappings")
	}
}

func (p *reader) details(r *Rule) {
	n := p.keys["customDetails"]
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode || len(n.Content) > 2*maxFields {
		p.refuse(n, "customDetails is not a mapping of at most 50 names to columns", "")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		d := Detail{strings.TrimSpace(n.Content[i].Value), p.text(resolved(n.Content[i+1]), "a custom detail")}
		if d.Name == "" || d.Column == "" {
			p.refuse(n.Content[i], "a custom detail needs a name and a column", "")
			continue
		}
		r.Details = append(r.Details, d)
	}
	slices.SortFunc(r.Details, func(a, b Detail) int { return cmp.Compare(a.Name, b.Name) })
}

func (p *reader) alert(r *Rule) {
	m := p.mapping(p.keys["alertDetailsOverride"], "alertDetailsOverride", []string{"alertDisplayNameFormat", "alertDescriptionFormat", "alertSeverityColumnName", "alertTacticsColumnName", "alertDynamicProperties"})
	r.Alert.Name = p.text(m["alertDisplayNameFormat"], "alertDisplayNameFormat")
	r.Alert.Description = unquoted(p.text(m["alertDescriptionFormat"], "alertDescriptionFormat"))
	r.Alert.Severity = p.text(m["alertSeverityColumnName"], "alertSeverityColumnName")
	r.Alert.Tactics = p.text(m["alertTacticsColumnName"], "alertTacticsColumnName")
	for _, item := range p.items(m["alertDynamicProperties"], "alertDynamicProperties") {
		k := p.mapping(item, "a dynamic property", []string{"alertProperty", "value"})
		d := Detail{p.text(k["alertProperty"], "alertProperty"), p.text(k["value"], "value")}
		if d.Name == "" || d.Column == "" {
			p.refuse(item, "a dynamic property needs alertProperty and value", "")
			continue
		}
		r.Alert.Properties = append(r.Alert.Properties, d)
	}
}

func (p *reader) grouping(r *Rule) {
	m := p.mapping(p.keys["eventGroupingSettings"], "eventGroupingSettings", []string{"aggregationKind"})
	n := m["aggregationKind"]
	switch strings.ToLower(p.text(n, "aggregationKind")) {
	case "":
	case "singlealert":
		r.Grouping = Single
	case "alertperresult":
		r.Grouping = PerRow
	default:
		p.refuse(n, fmt.Sprintf("unknown aggregationKind %q", cut(n.Value)), "SingleAlert or AlertPerResult")
	}
}

func (p *reader) incident(r *Rule) {
	m := p.mapping(p.keys["incidentConfiguration"], "incidentConfiguration", []string{"createIncident", "groupingConfiguration"})
	r.Incident.Create = p.boolean(m["createIncident"], "createIncident", true)
	g := p.mapping(m["groupingConfiguration"], "groupingConfiguration", []string{"enabled", "reopenClosedIncident", "lookbackDuration", "matchingMethod",
		"entitiesMatchingMethod", "groupByEntities", "groupByAlertDetails", "groupByCustomDetails"})
	if !p.boolean(g["enabled"], "enabled", false) {
		return
	}
	n := cmp.Or(g["matchingMethod"], g["entitiesMatchingMethod"])
	r.Incident.Entities = p.texts(g["groupByEntities"], "groupByEntities")
	r.Incident.Details = p.texts(g["groupByCustomDetails"], "groupByCustomDetails")
	switch strings.ToLower(p.text(n, "matchingMethod")) {
	case "anyalert", "none":
		r.Incident.Match = AnyAlert
	case "allentities", "all", "":
		r.Incident.Match = AllEntities
	case "selected", "custom":
		r.Incident.Match = Selected
		for _, e := range r.Incident.Entities {
			if !slices.ContainsFunc(r.Entities, func(x Entity) bool { return strings.EqualFold(x.Type, e) }) {
				p.refuse(g["groupByEntities"], fmt.Sprintf("groupByEntities names %q, which no entity mapping has", cut(e)), "")
			}
		}
		for _, d := range r.Incident.Details {
			if !slices.ContainsFunc(r.Details, func(x Detail) bool { return x.Name == d }) {
				p.refuse(g["groupByCustomDetails"], fmt.Sprintf("groupByCustomDetails names %q, which customDetails does not have", cut(d)), "")
			}
		}
	default:
		p.refuse(n, fmt.Sprintf("unknown matchingMethod %q", cut(n.Value)), "AnyAlert, AllEntities or Selected")
	}
}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]{1,200}?)\s*\}\}`)

// Fill replaces the placeholders of a text; value returns what stands in a column.
func Fill(text string, value func(column string) (string, bool)) string {
	return placeholder.ReplaceAllStringFunc(text, func(whole string) string {
		if v, ok := value(placeholder.FindStringSubmatch(whole)[1]); ok {
			return v
		}
		return whole
	})
}

// columns warns of columns that mappings name and the query does not return: Sentinel takes
// such rules, and leaves the entity out.
func (p *reader) columns(r *Rule) {
	if r.Columns == nil {
		return
	}
	missing := func(column string) bool {
		return !slices.Contains(r.Columns, column)
	}
	say := func(key, column string) {
		if column != "" && missing(column) {
			p.warn(p.keys[key], fmt.Sprintf("%s names the column %q, which the query does not return", key, cut(column)), nearest(column, r.Columns[:min(len(r.Columns), 30)]))
		}
	}
	for _, e := range r.Entities {
		for _, f := range e.Fields {
			say("entityMappings", f.Column)
		}
	}
	for _, d := range r.Details {
		say("customDetails", d.Column)
	}
	say("alertDetailsOverride", r.Alert.Severity)
	say("alertDetailsOverride", r.Alert.Tactics)
	for _, d := range r.Alert.Properties {
		say("alertDetailsOverride", d.Column)
	}
	for _, m := range placeholder.FindAllStringSubmatch(r.Alert.Name+r.Alert.Description, -1) {
		say("alertDetailsOverride", m[1])
	}
	if r.Entities == nil {
		r.Entities, r.byName = conventions(r.Columns), true
	}
}

// named are the columns by whose names entities are known where a rule has no mapping.
var named = map[string]EntityField{"AccountCustomEntity": {"FullName", "Account"}, "IPCustomEntity": {"Address", "IP"}, "HostCustomEntity": {"FullName", "Host"},
	"URLCustomEntity": {"Url", "URL"}, "DNSCustomEntity": {"DomainName", "DNS"}, "FileHashCustomEntity": {"Value", "FileHash"}}

var numbered = regexp.MustCompile(`^([A-Za-z]+)_(\d{1,2})_([A-Za-z]+)$`)

// conventions reads the entities that columns name by themselves: AccountCustomEntity, and
// Account_0_FullName.
func conventions(columns []string) (out []Entity) {
	at := map[string]int{}
	for _, c := range columns {
		if f, ok := named[c]; ok {
			out = append(out, Entity{Type: f.Column, Fields: []EntityField{{f.Identifier, c}}})
			continue
		}
		m := numbered.FindStringSubmatch(c)
		if m == nil || EntityType(m[1]) == "" {
			continue
		}
		key := m[1] + "_" + m[2]
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Entity{Type: m[1]})
		}
		out[i].Fields = append(out[i].Fields, EntityField{m[3], c})
	}
	return out
}
