package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/yagura-sec/yagura"
)

// EventFormats lists the formats of events.
func EventFormats() []string { return []string{"jsonl", "ocsf"} }

// NewEvents returns the writer of events in a format.
func NewEvents(format string, w io.Writer, o Options) (EventWriter, error) {
	switch format {
	case "", "jsonl":
		return &eventLines{newLines(w)}, nil
	case "ocsf":
		return &ocsfEvents{newLines(w), o.Version, o.Account}, nil
	}
	return nil, fmt.Errorf("format %q: want one of %s", format, strings.Join(EventFormats(), ", "))
}

type ocsfEvents struct {
	lines
	version string
	account func(string) string
}

// Write writes an Authentication (3002) for a sign-in, an API Activity (6003) for a
// call of a known cloud or service, and a base event (0) for anything else.
func (o *ocsfEvents) Write(e *yagura.Event) error {
	m := object{"time": millis(e.Time), "severity_id": 1, "severity": "Informational",
		"metadata": metadata(o.version, e.ID, e.Format), "message": e.Action,
		"observables": observables(e.Entities), "raw_data": string(e.Raw),
		"unmapped": object{"key": e.Key.String(), "file": e.File, "offset": e.Offset}}
	if !e.Seen.IsZero() {
		m["metadata"].(object)["logged_time"] = millis(e.Seen)
	}
	switch e.Outcome {
	case yagura.OutcomeSuccess:
		m["status_id"], m["status"] = 1, "Success"
	case yagura.OutcomeFailure:
		m["status_id"], m["status"] = 2, "Failure"
	default:
		m["status_id"], m["status"] = 0, "Unknown"
	}
	from := endpoint(cmp.Or(e.SrcIP, "unknown"))
	family, kind, _ := strings.Cut(e.Format, ".")
	switch {
	case isSignIn(kind, e.Action):
		class(m, 3, "Identity & Access Management", 3002, "Authentication", 1, "Logon")
		m["user"] = object{"uid": cmp.Or(e.Actor.ID, "unknown")}.set("name", e.Actor.Name)
		m["actor"] = actorObject(e.Actor)
		m["src_endpoint"] = from
		m["service"] = object{"name": service(e, family)}
	case e.Action != "" && family != "json" && family != "generic" && family != "":
		id, name := activity(e.Action)
		class(m, 6, "Application Activity", 6003, "API Activity", id, name)
		actor := actorObject(e.Actor)
		if len(actor) == 0 {
			actor["user"] = object{"name": "unknown"}
		}
		m["actor"] = actor
		m["api"] = object{"operation": e.Action, "service": object{"name": family}}
		m["src_endpoint"] = from
		resources := make([]object, 0, len(e.Targets))
		for _, t := range e.Targets {
			resources = append(resources, object{"uid": t.ID, "type": t.Type})
		}
		m["resources"] = resources
	default:
		class(m, 0, "Uncategorized", 0, "Base Event", 0, "Unknown")
	}
	withCloud(m, e.Format, e.Account, e.Region, o.account)
	return o.enc.Encode(m)
}

func class(m object, category int, categoryName string, uid int, name string, activity int, activityName string) {
	m["category_uid"], m["category_name"] = category, categoryName
	m["class_uid"], m["class_name"] = uid, name
	m["activity_id"], m["activity_name"] = activity, activityName
	m["type_uid"], m["type_name"] = uid*100+activity, name+": "+activityName
}

// isSignIn says whether an event is somebody signing in.
func isSignIn(kind, action string) bool {
	switch {
	case strings.HasPrefix(kind, "signin"), kind == "sign_in":
		return true
	case action == "ConsoleLogin", action == "user.session.start", action == "user.authentication.sso":
		return true
	}
	return false
}

func service(e *yagura.Event, family string) string {
	for _, t := range e.Targets {
		if t.ID != "" {
			return t.ID
		}
	}
	return family
}

// activity reads what a call does from its verb.
func activity(action string) (int, string) {
	word := action
	if i := strings.LastIndexAny(word, ".:/ "); i >= 0 {
		word = word[i+1:]
	}
	word, action = strings.ToLower(word), strings.ToLower(action)
	for _, v := range []struct {
		verbs string
		id    int
		name  string
	}{
		{"create add put insert run start issue register import upload generate enable", 1, "Create"},
		{"get list describe head read view search query lookup batchget download watch", 2, "Read"},
		{"update set modify attach detach change patch replace associate disassociate tag untag", 3, "Update"},
		{"delete remove terminate stop deregister revoke disable destroy", 4, "Delete"},
	} {
		for verb := range strings.FieldsSeq(v.verbs) {
			if strings.HasPrefix(word, verb) || strings.HasPrefix(action, verb) {
				return v.id, v.name
			}
		}
	}
	return 99, "Other"
}
