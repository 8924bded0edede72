package yagura

// Entity is who or what is involved in an event, a finding or an issue.
type Entity struct {
	Type string `json:"type"` // one of the EntityType constants
	ID   string `json:"id"`
}

// The entity types.
const (
	EntityUser             = "user"
	EntityRole             = "role"
	EntitySession          = "session"
	EntityServicePrincipal = "service_principal"
	EntityKey              = "key"
	EntityIP               = "ip"
	EntityDomain           = "domain"
	EntityHost             = "host"
	EntityResource         = "resource"
	EntityAccount          = "account"
)

// Actor is the entity that did what an event says.
type Actor struct {
	Type string `json:"type,omitempty"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// SessionOf is the human or role behind a session, where the record tells it.
	SessionOf string `json:"session_of,omitempty"`
}
