package ocsf

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// The observable types of the schema that are written.
const (
	hostname     = 1
	ipAddress    = 2
	userName     = 4
	emailAddress = 5
	resourceUID  = 10
	userAgent    = 16
	credentialID = 19
	userUID      = 31
	accountUID   = 35
)

func observableType(id int) string {
	switch id {
	case hostname:
		return "Hostname"
	case ipAddress:
		return "IP Address"
	case userName:
		return "User Name"
	case emailAddress:
		return "Email Address"
	case resourceUID:
		return "Resource UID"
	case userAgent:
		return "HTTP User-Agent"
	case credentialID:
		return "User Credential ID"
	case userUID:
		return "User Object: uid"
	case accountUID:
		return "Account Object: uid"
	}
	return "Other"
}

// maxObservables bounds the observables of one event.
const maxObservables = 200

// Observables lists entities, each with the attribute of the event in which it stands. An
// entity that stands in none is in unmapped.entities.
func Observables(event *Object, entities []yagura.Entity) {
	if len(entities) > maxObservables {
		entities = entities[:maxObservables]
	}
	places := make([]string, len(entities))
	locate("", *event, entities, places)
	out := make([]Object, 0, len(entities))
	var rest []Object
	for i, e := range entities {
		if e.ID == "" {
			continue
		}
		if places[i] == "" {
			places[i] = "unmapped.entities[].id"
			rest = append(rest, Of("type", e.Type, "id", e.ID))
		}
		id := entityType(e, places[i])
		kind := observableType(id)
		if id == other {
			kind = cmp.Or(e.Type, kind)
		}
		out = append(out, Of("name", places[i], "type_id", id, "type", kind, "value", e.ID))
	}
	if rest != nil {
		un, _ := event.Get("unmapped").(Object)
		un.Set("entities", rest)
		event.Set("unmapped", un)
	}
	event.Set("observables", out)
}

// entityType is the observable type of an entity that stands in an attribute.
func entityType(e yagura.Entity, place string) int {
	switch e.Type {
	case yagura.EntityHost, yagura.EntityDomain:
		if strings.HasSuffix(place, ".hostname") || strings.HasSuffix(place, ".domain") || strings.Contains(e.ID, ".") {
			return hostname
		}
		return resourceUID
	case yagura.EntityIP:
		if isIP(e.ID) {
			return ipAddress
		}
	case yagura.EntityUser, yagura.EntityRole, yagura.EntitySession, yagura.EntityServicePrincipal:
		switch {
		case strings.HasSuffix(place, ".email_addr"):
			return emailAddress
		case strings.HasSuffix(place, "user.name"):
			return userName
		case strings.HasSuffix(place, "user.uid"):
			return userUID
		case strings.HasPrefix(place, "resource"):
			return resourceUID
		case e.Type == yagura.EntityUser:
			return userName
		}
	case yagura.EntityKey:
		return credentialID
	case yagura.EntityResource:
		return resourceUID
	case yagura.EntityAccount:
		return accountUID
	}
	return other
}

// locate finds, for every entity, the first attribute that has it as its value.
func locate(path string, o Object, entities []yagura.Entity, places []string) {
	for i := range o {
		name := o[i].name
		if path == "" && (name == "raw_data" || name == "unmapped" || name == "metadata" || name == "message") {
			continue
		}
		switch v := o[i].value.(type) {
		case string:
			if name == "type" || name == "provider" || name == "operation" {
				continue
			}
			for j := range entities {
				if places[j] == "" && entities[j].ID == v {
					places[j] = join(path, name)
				}
			}
		case []string:
			for _, s := range v {
				for j := range entities {
					if places[j] == "" && entities[j].ID == s {
						places[j] = join(path, name) + "[]"
					}
				}
			}
		case Object:
			locate(join(path, name), v, entities, places)
		case []Object:
			for _, each := range v {
				locate(join(path, name)+"[]", each, entities, places)
			}
		}
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
