package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the GitHub audit log, as streaming, the REST API and an
// enterprise's export give it.
const (
	ghAction = iota
	ghTimestamp
	ghCreated
	ghDocument
	ghActor
	ghActorID
	ghOrg
	ghBusiness
	ghRepo
	ghUser
	ghStatus
	ghSystem
	ghActorIP
	// The fields below are read by the header only.
	ghBot
	ghTeam
	ghHook
	ghTokenID
	ghHashedToken
	ghKeyFingerprint
	ghInvitee
	ghTargetLogin
	ghConclusion
	ghNameID
)

var githubAudit = &Format{
	Name:   "github.audit",
	Detail: detailList(false, "user_agent=user_agent", "org=org", "repo=repo|repository", "country=actor_location.country_code", "access_type=programmatic_access_type", "token_id=token_id"),
	Fields: fieldList(false, []string{ //nolint:gosec // names of fields, not what stands in them
		ghAction:         "action",
		ghTimestamp:      "@timestamp",
		ghCreated:        "created_at",
		ghDocument:       "_document_id|data._document_id",
		ghActor:          "actor",
		ghActorID:        "actor_id",
		ghOrg:            "org",
		ghBusiness:       "business",
		ghRepo:           "repo|repository",
		ghUser:           "user",
		ghStatus:         "status_code",
		ghSystem:         "operation_type|org_id|user_agent|actor_location|business_id|repo_id|external_identity_nameid",
		ghActorIP:        "actor_ip|actor_location.ip",
		ghBot:            "actor_is_bot",
		ghTeam:           "team|data.team",
		ghHook:           "hook_id",
		ghTokenID:        "token_id|oauth_application_id|programmatic_access_type_id",
		ghHashedToken:    "hashed_token",
		ghKeyFingerprint: "fingerprint",
		ghInvitee:        "invitee|blocked_user|target_login",
		ghConclusion:     "conclusion",
		ghNameID:         "external_identity_nameid|external_identity_username",
	}),
	Hot:    ghBot,
	Is:     isGitHub,
	Key:    githubKey,
	Time:   githubTime,
	Header: githubHeader,
}

// isGitHub: an action with a dot in its name ("repo.destroy"), a time, and a
// document id or the actor with another field of the audit log.
func isGitHub(r *Record) bool {
	if bytes.IndexByte(r.scalar(ghAction), '.') <= 0 || !r.has(ghTimestamp) && !r.has(ghCreated) {
		return false
	}
	if r.has(ghDocument) {
		return true
	}
	return (r.has(ghActor) || r.has(ghActorID)) &&
		(r.has(ghOrg) || r.has(ghBusiness) || r.has(ghRepo) || r.has(ghActorIP) || r.has(ghSystem) || r.has(ghUser))
}

func githubTime(r *Record) int64 {
	if ns := nanos(r.scalar(ghTimestamp)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(ghCreated))
}

// githubKey: the record's _document_id.
func githubKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(githubTime(r), r.either(ghActor, ghActorID), r.scalar(ghAction),
		r.either(ghUser, ghRepo, ghOrg), r.scalar(ghStatus))
	id := r.scalar(ghDocument)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("github.audit")
	k.part(id)
	return k.sum(), content, true
}

func githubHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(ghDocument)
	e.Time = timeOf(githubTime(r))
	e.Action = r.str(ghAction)
	repo := r.str(ghRepo)
	if e.Account = r.str(ghOrg, ghBusiness); e.Account == "" {
		e.Account, _, _ = strings.Cut(repo, "/")
	}
	if id := r.str(ghActor, ghActorID); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: id}
		if strings.HasSuffix(id, "[bot]") || isAny(r.scalar(ghBot), "true") {
			e.Actor.Type = yagura.EntityServicePrincipal
		}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, repo)
	e.Targets = addEntity(e.Targets, yagura.EntityUser, r.str(ghUser))
	e.Targets = addEntity(e.Targets, yagura.EntityUser, r.str(ghInvitee))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(ghTeam))
	if id := r.str(ghHook); id != "" {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, "hook/"+id)
	}
	e.Targets = addEntity(e.Targets, yagura.EntityKey, r.str(ghKeyFingerprint))
	if len(e.Targets) == 0 {
		e.Targets = addEntity(e.Targets, yagura.EntityAccount, e.Account)
	}
	e.SrcIP = firstAddress(r, ghActorIP)

	// The log has no outcome: it records what was done, unless its name or the
	// status of an API request says otherwise.
	status := r.scalar(ghStatus)
	name := strings.ToLower(e.Action)
	if len(status) == 3 && status[0] >= '4' || strings.Contains(name, "failed") || strings.Contains(name, "rejected") ||
		strings.HasSuffix(name, "_failure") ||
		isAny(r.scalar(ghConclusion), "failure", "timed_out", "startup_failure") {
		e.Outcome = yagura.OutcomeFailure
	} else {
		e.Outcome = yagura.OutcomeSuccess
	}
	finish(e, yagura.Entity{Type: yagura.EntityUser, ID: r.str(ghNameID)}, // the actor, as their identity provider knows them
		yagura.Entity{Type: yagura.EntityKey, ID: r.str(ghHashedToken)}, yagura.Entity{Type: yagura.EntityKey, ID: r.str(ghTokenID)},
		yagura.Entity{Type: yagura.EntityAccount, ID: r.str(ghBusiness)})
}
