package decode

import (
	"bytes"

	"github.com/yagura-sec/yagura"
)

// Header fields of the bodies of GitHub's webhooks. The name of the event is in a
// header of the request; Falco's plugin writes it into the body as webhook_type.
const (
	gbSender = iota
	gbRepo
	gbOrg
	gbHook
	gbType
	gbAction
	gbPushed
	gbPusher
	gbMoment
	gbUpdated
	// The fields below are read by the header only.
	gbSenderType
	gbUser
	gbTeam
	gbHookID
	gbKey
	gbOwner
	gbConclusion
	gbFirstEvent // and those after it, by githubWebhookEvents
)

// githubWebhookEvents are the events that a body is known for by a member which no
// other event has, the more telling ones first. rule/falco tells github.type by the
// same members.
var githubWebhookEvents = []struct{ member, event string }{
	{"zen", "ping"},
	{"hook", "meta"},
	{"pusher", "push"},
	{"alert.secret_type", "secret_scanning_alert"},
	{"alert.security_advisory", "dependabot_alert"},
	{"alert.rule", "code_scanning_alert"},
	{"workflow_job", "workflow_job"},
	{"workflow_run", "workflow_run"},
	{"member", "member"},
	{"key", "deploy_key"},
	{"pull_request", "pull_request"},
	{"comment", "issue_comment"},
	{"issue", "issues"},
	{"release", "release"},
	{"forkee", "fork"},
	{"team", "team"},
	{"repository", "repository"},
}

var githubWebhook = &Format{
	Name:   "github.webhook",
	Detail: detailList(false, "repo=repository.full_name", "org=organization.login"),
	Fields: fieldList(false, append([]string{
		gbSender:     "sender.login",
		gbRepo:       "repository.full_name",
		gbOrg:        "organization.login",
		gbHook:       "hook.type",
		gbType:       "webhook_type",
		gbAction:     "action",
		gbPushed:     "repository.pushed_at",
		gbPusher:     "pusher",
		gbMoment:     "workflow_job.completed_at|workflow_run.updated_at|hook.updated_at|key.created_at|alert.updated_at|comment.updated_at|pull_request.updated_at|issue.updated_at|release.published_at|forkee.created_at",
		gbUpdated:    "repository.updated_at",
		gbSenderType: "sender.type",
		gbUser:       "member.login",
		gbTeam:       "team.slug",
		gbHookID:     "hook_id",
		gbKey:        "key.id",
		gbOwner:      "repository.owner.login",
		gbConclusion: "workflow_run.conclusion|workflow_job.conclusion",
	}, githubWebhookMembers()...)),
	Hot:    gbSenderType,
	Is:     isGitHubWebhook,
	Key:    githubWebhookKey,
	Time:   githubWebhookTime,
	Header: githubWebhookHeader,
}

func githubWebhookMembers() []string {
	var list []string
	for _, e := range githubWebhookEvents {
		list = append(list, e.member)
	}
	return list
}

// isGitHubWebhook: the login of a sender with the full name of a repository, the login
// of an organization or the type of a hook.
func isGitHubWebhook(r *Record) bool {
	return r.has(gbSender) && (r.has(gbRepo) || r.has(gbOrg) || r.has(gbHook)) &&
		bytes.IndexByte(r.scalar(gbAction), '.') < 0
}

// githubWebhookTime is that of the thing the event is about: the body does not say
// when the event was.
func githubWebhookTime(r *Record) int64 {
	if r.has(gbPusher) {
		if ns := nanos(r.scalar(gbPushed)); ns != 0 {
			return ns
		}
	}
	if ns := nanos(r.scalar(gbMoment)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(gbUpdated))
}

// githubWebhookKey: the body has no id of its own.
func githubWebhookKey(r *Record) (yagura.Key, uint64, bool) {
	return yagura.Key{}, contentHash(githubWebhookTime(r), r.scalar(gbSender), r.scalar(gbAction), r.either(gbRepo, gbOrg)), false
}

func githubWebhookHeader(r *Record, e *yagura.Event) {
	e.Time = timeOf(githubWebhookTime(r))
	e.Account = r.str(gbOrg, gbOwner)
	e.Action = r.str(gbType)
	for i := 0; i < len(githubWebhookEvents) && e.Action == ""; i++ {
		if r.has(gbFirstEvent + i) {
			e.Action = githubWebhookEvents[i].event
		}
	}
	switch action := r.str(gbAction); {
	case e.Action == "":
		e.Action = action
	case action != "":
		e.Action += "." + action
	}
	if id := r.str(gbSender); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: id}
		if isAny(r.scalar(gbSenderType), "bot") {
			e.Actor.Type = yagura.EntityServicePrincipal
		}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(gbRepo))
	e.Targets = addEntity(e.Targets, yagura.EntityUser, r.str(gbUser))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(gbTeam))
	if id := r.str(gbHookID); id != "" {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, "hook/"+id)
	}
	e.Targets = addEntity(e.Targets, yagura.EntityKey, r.str(gbKey))
	if len(e.Targets) == 0 {
		e.Targets = addEntity(e.Targets, yagura.EntityAccount, e.Account)
	}
	e.Outcome = yagura.OutcomeSuccess
	if isAny(r.scalar(gbConclusion), "failure", "timed_out", "startup_failure") {
		e.Outcome = yagura.OutcomeFailure
	}
	finish(e)
}
