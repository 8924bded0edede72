package schedule

import (
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule/sentinel"
)

// identifiers lists, by entity type, the identifiers that name an entity, the best first. "+"
// joins two that name it together.
var identifiers = map[string][]string{
	"account":          {"FullName", "Name+UPNSuffix", "Name+NTDomain", "AadUserId", "ObjectGuid", "Sid", "PUID", "Name", "DisplayName"},
	"host":             {"FullName", "HostName+DnsDomain", "HostName+NTDomain", "HostName", "NetBiosName", "AzureID", "OMSAgentID"},
	"ip":               {"Address"},
	"dns":              {"DomainName"},
	"url":              {"Url"},
	"azureresource":    {"ResourceId"},
	"cloudapplication": {"AppId", "Name", "InstanceName"},
	"mailbox":          {"MailboxPrimaryAddress", "Upn", "DisplayName", "ExternalDirectoryObjectId"},
	"securitygroup":    {"DistinguishedName", "SID", "ObjectGuid"},
	"file":             {"Directory+Name", "Name"},
	"filehash":         {"Algorithm+Value", "Value"},
	"process":          {"CommandLine", "ProcessId", "CreationTimeUtc"},
	"registrykey":      {"Hive+Key", "Key"},
	"registryvalue":    {"Name", "Value"},
	"malware":          {"Name", "Category"},
	"mailmessage":      {"NetworkMessageId", "InternetMessageId", "Recipient", "Sender", "Subject"},
	"iotdevice":        {"DeviceId", "DeviceName", "IoTHub"},
}

// joints are what stands between two identifiers that name an entity together.
var joints = map[string]string{"Name+UPNSuffix": "@", "Name+NTDomain": `\`, "HostName+DnsDomain": ".", "HostName+NTDomain": ".",
	"Directory+Name": "/", "Algorithm+Value": ":", "Hive+Key": `\`}

// maxEntity bounds an entity's id.
const maxEntity = 512

// entities takes the entities of a row, in the order of the mappings.
func entities(r *sentinel.Rule, row *row) (out []yagura.Entity) {
	for _, e := range r.Entities {
		for _, id := range names(e, row) {
			if x, ok := entity(e.Type, id); ok {
				out = append(out, x)
			}
		}
	}
	return out
}

// names returns what an entity of a row is called. A column with a list names several.
func names(e sentinel.Entity, row *row) []string {
	columns := map[string]string{}
	for _, f := range e.Fields {
		columns[strings.ToLower(f.Identifier)] = f.Column
	}
	get := func(identifier string) []string {
		if c, ok := columns[strings.ToLower(identifier)]; ok {
			return row.members(c)
		}
		return nil
	}
	for _, id := range identifiers[strings.ToLower(e.Type)] {
		a, b, two := strings.Cut(id, "+")
		first := get(a)
		if !two {
			if len(first) > 0 {
				return first
			}
			continue
		}
		if second := get(b); len(first) == 1 && len(second) == 1 {
			if a == "Name" && strings.Contains(first[0], "@") {
				return first // a whole name under the identifier of its first half
			}
			return []string{first[0] + joints[id] + second[0]}
		}
	}
	for _, f := range e.Fields {
		if v := row.members(f.Column); len(v) > 0 && identifiers[strings.ToLower(e.Type)] == nil {
			return v
		}
	}
	return nil
}

// entity makes an entity of a name.
func entity(sentinelType, id string) (yagura.Entity, bool) {
	id = strings.TrimSpace(id)
	if id == "" || len(id) > maxEntity || id == "-" || strings.EqualFold(id, "n/a") {
		return yagura.Entity{}, false
	}
	e := yagura.Entity{Type: sentinel.EntityType(sentinelType), ID: id}
	switch e.Type {
	case yagura.EntityUser:
		e.Type = accountType(id)
	case yagura.EntityIP:
		e.ID, _ = isAddress(id)
	}
	return e, e.Type != ""
}

// accountType tells what an account of Sentinel is by its name: AWS has roles and sessions.
func accountType(id string) string {
	switch {
	case !strings.HasPrefix(id, "arn:"):
		if strings.HasSuffix(id, ".gserviceaccount.com") {
			return yagura.EntityServicePrincipal
		}
		return yagura.EntityUser
	case strings.Contains(id, ":assumed-role/") || strings.Contains(id, ":federated-user/"):
		return yagura.EntitySession
	case strings.Contains(id, ":role/"):
		return yagura.EntityRole
	case strings.HasSuffix(id, ":root"):
		return yagura.EntityUser
	}
	return yagura.EntityUser
}

// isActor says which entities do things, and which have things done to them.
func isActor(t string) bool {
	switch t {
	case yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityServicePrincipal:
		return true
	}
	return false
}
