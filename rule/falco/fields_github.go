package falco

import (
	"bytes"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

// githubFields are the fields of Falco's plugin github 0.9.0. The plugin reads the
// bodies of webhooks, to which it adds webhook_type and what it found in the diff;
// they are read as they are, and without webhook_type the type is told by the members.
// A record of GitHub's audit log says the same in other words, and each field falls
// back to those: see [githubEvent].
func githubFields() catalogue {
	c := catalogue{}
	c["github.type"] = computed(func(in query.Input, out *query.Values) {
		kind, _ := githubEvent(in)
		out.AddString(kind)
	}, githubEventDeps()...)
	c["github.action"] = computed(func(in query.Input, out *query.Values) {
		_, action := githubEvent(in)
		out.AddString(action)
	}, githubEventDeps()...)
	c["github.user"] = firstText(textAt("sender", "login"), textAt("actor"))
	repoURL := func(in query.Input) string {
		if url, ok := dep(in, 0); ok {
			return string(url)
		}
		if repo, ok := dep(in, 1); ok && len(repo) > 0 {
			return githubURL + string(repo)
		}
		return ""
	}
	repo := []query.Field{textAt("repository", "html_url"), textAt("repo")}
	url := computed(func(in query.Input, out *query.Values) { out.AddString(repoURL(in)) }, repo...)
	c["github.repo"], c["github.repo.url"] = url, url
	c["github.repo.name"] = computed(func(in query.Input, out *query.Values) {
		out.AddString(strings.TrimPrefix(repoURL(in), githubURL))
	}, repo...)
	c["github.repo.description"] = firstText(textAt("repository", "description"))
	c["github.org"] = firstText(textAt("organization", "login"), textAt("org"))
	c["github.owner"] = computed(func(in query.Input, out *query.Values) {
		if owner, ok := dep(in, 0); ok {
			out.Add(owner)
			return
		}
		name, _ := dep(in, 1)
		owner, _, _ := bytes.Cut(name, []byte("/"))
		out.Add(owner)
	}, textAt("repository", "owner", "login"), textAt("repo"))
	c["github.repo.public"] = computed(githubPublic, append(append(both("repository", "private"), both("public_repo")...),
		textAt("visibility"), textAt("repo"))...)
	c["github.collaborator.name"] = firstText(textAt("member", "login"), textAt("user"))
	c["github.collaborator.role"] = firstText(textAt("changes", "permission", "to"), textAt("permission"))
	c["github.webhook.id"] = computed(func(in query.Input, out *query.Values) {
		n, ok := depUint(in, 0)
		if !ok {
			n, _ = depUint(in, 2)
		}
		addUint(out, n)
	}, append(both("hook", "id"), both("hook_id")...)...)
	c["github.webhook.type"] = firstText(textAt("hook", "type"))
	for _, key := range []string{"added", "modified", "removed"} {
		c["github.commit."+key] = computed(githubFiles(key), rawAt("commits"))
	}
	addGithubFindings(c)
	return c
}

const githubURL = "https://github.com/"

// firstText is the first of fields that is there, else "".
func firstText(fields ...query.Field) *fieldDef {
	return computed(func(in query.Input, out *query.Values) {
		for i := range fields {
			if v, ok := dep(in, i); ok {
				out.Add(v)
				return
			}
		}
		out.AddString("")
	}, fields...)
}

// githubMembers are the members by which the body of a webhook tells its type, the
// more telling ones first. The action of github.webhook (decode) is told by the same.
func githubMembers() [][2]string {
	return [][2]string{
		{"zen", "ping"}, {"hook", "meta"}, {"pusher", "push"},
		{"alert.secret_type", "secret_scanning_alert"}, {"alert.security_advisory", "dependabot_alert"}, {"alert.rule", "code_scanning_alert"},
		{"workflow_job", "workflow_job"}, {"workflow_run", "workflow_run"},
		{"member", "member"}, {"key", "deploy_key"}, {"pull_request", "pull_request"}, {"comment", "issue_comment"},
		{"issue", "issues"}, {"release", "release"}, {"forkee", "fork"}, {"team", "team"}, {"repository", "repository"},
	}
}

// githubEventDeps are what [githubEvent] reads.
func githubEventDeps() []query.Field {
	deps := []query.Field{textAt("webhook_type"), textAt("action"), textAt("visibility"), textAt("sender", "login")}
	for _, m := range githubMembers() {
		deps = append(deps, rawAt(strings.Split(m[0], ".")...))
	}
	return deps
}

// githubEvent says type and action of an event. The first dependencies of in are those
// of [githubEventDeps].
func githubEvent(in query.Input) (kind, action string) {
	name, _ := dep(in, 1)
	if kind, ok := dep(in, 0); ok {
		return string(kind), string(name)
	}
	if _, webhook := dep(in, 3); !webhook {
		return githubAuditEvent(in, name)
	}
	for i, m := range githubMembers() {
		if v, ok := dep(in, 4+i); ok && string(v) != "null" {
			return m[1], string(name)
		}
	}
	return "", string(name)
}

// githubAuditEvent says an action of the audit log in the words of webhooks.
func githubAuditEvent(in query.Input, name []byte) (kind, action string) {
	visibility, _ := dep(in, 2)
	switch string(name) {
	case "repo.create":
		return "repository", "created"
	case "repo.destroy":
		return "repository", "deleted"
	case "repo.access":
		switch string(visibility) {
		case "public":
			return "repository", "publicized"
		case "private":
			return "repository", "privatized"
		}
	case "repo.rename":
		return "repository", "renamed"
	case "repo.transfer":
		return "repository", "transferred"
	case "repo.archived", "repo.unarchived":
		return "repository", strings.TrimPrefix(string(name), "repo.")
	case "repo.add_member":
		return "member", "added"
	case "repo.remove_member":
		return "member", "removed"
	case "repo.update_member":
		return "member", "edited"
	case "public_key.create", "deploy_key.create":
		return "deploy_key", "created"
	case "public_key.delete", "deploy_key.delete", "deploy_key.destroy":
		return "deploy_key", "deleted"
	case "hook.create":
		return "ping", ""
	case "hook.destroy":
		return "meta", "deleted"
	case "git.push":
		return "push", ""
	}
	if kind, action, ok := strings.Cut(string(name), "."); ok {
		return kind, action
	}
	return "", string(name)
}

// githubPublic is "true" unless the repository is known to be private.
func githubPublic(in query.Input, out *query.Values) {
	_, webhook := dep(in, 0)
	_, flag := dep(in, 2)
	visibility, hasVisibility := dep(in, 4)
	_, audit := dep(in, 5)
	public := true
	switch {
	case webhook:
		public = !depTrue(in, 0)
	case flag:
		public = depTrue(in, 2)
	case hasVisibility:
		public = string(visibility) == "public"
	case audit:
		return // the audit log does not say
	}
	if public {
		out.AddString("true")
	} else {
		out.AddString("false")
	}
}

// githubFiles lists the files of one kind in all commits, with commas between those of
// one commit, as the plugin does.
func githubFiles(key string) derivation {
	return func(in query.Input, out *query.Values) {
		var list []byte
		commits, _ := dep(in, 0)
		jsonEach(commits, func(_ int, commit []byte) bool {
			jsonEach(jsonGet(commit, key), func(_ int, name []byte) bool {
				list = append(append(list, jsonString(name)...), ',')
				return true
			})
			list = bytes.TrimSuffix(list, []byte(","))
			return true
		})
		out.Add(cString(list))
	}
}

// addGithubFindings adds what the plugin found by itself in a diff or a workflow.
func addGithubFindings(c catalogue) {
	c["github.diff.has_secrets"] = computed(func(in query.Input, out *query.Values) {
		result := "false"
		files, _ := dep(in, 0)
		if !jsonEach(files, func(_ int, file []byte) bool {
			if m := jsonGet(file, "matches"); len(m) > 2 && m[0] == '[' {
				result = "true"
			}
			return result == "false"
		}) {
			result = ""
		}
		out.AddString(result)
	}, rawAt("files"))
	secrets := func(always bool, of func(in query.Input, file, match []byte) []byte) derivation {
		return func(in query.Input, out *query.Values) {
			files, _ := dep(in, 0)
			var list []byte
			ok := jsonEach(files, func(_ int, file []byte) bool {
				jsonEach(jsonGet(file, "matches"), func(_ int, match []byte) bool {
					list = append(append(list, of(in, file, match)...), ',')
					return true
				})
				list = bytes.TrimSuffix(list, []byte(","))
				return true
			})
			if ok || always {
				out.Add(cString(list))
			}
		}
	}
	line := func(match []byte) []byte {
		v := query.Values{}
		addUint(&v, jsonUint(jsonGet(match, "line")))
		return v.At(0)
	}
	const prefix = "github.diff.committed_secrets."
	c[prefix+"desc"] = computed(secrets(false, func(_ query.Input, _, match []byte) []byte {
		return jsonString(jsonGet(match, "desc"))
	}), rawAt("files"))
	c[prefix+"files"] = computed(secrets(false, func(_ query.Input, file, _ []byte) []byte {
		return jsonString(jsonGet(file, "name"))
	}), rawAt("files"))
	c[prefix+"lines"] = computed(secrets(false, func(_ query.Input, _, match []byte) []byte { return line(match) }), rawAt("files"))
	c[prefix+"links"] = computed(secrets(true, func(in query.Input, file, match []byte) []byte {
		url, _ := dep(in, 1)
		commit, _ := dep(in, 2)
		return bytes.Join([][]byte{
			url, []byte("blob"), commit, jsonString(jsonGet(file, "name")),
			append([]byte("#L"), line(match)...),
		}, []byte("/"))
	}), rawAt("files"), textAt("repository", "html_url"), textAt("head_commit", "id"))

	c["github.workflow.has_miners"] = computed(func(in query.Input, out *query.Values) {
		found := "false"
		matches, _ := dep(in, 0)
		if jsonEach(matches, func(int, []byte) bool { found = "true"; return false }) {
			out.AddString(found)
		}
	}, rawAt("workflow_miner_detections", "matches"))
	c["github.workflow.miners.type"] = computed(func(in query.Input, out *query.Values) {
		var kinds []string
		matches, _ := dep(in, 0)
		if jsonEach(matches, func(_ int, match []byte) bool {
			kind := string(cString(jsonString(jsonGet(match, "type"))))
			if !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
			return true
		}) {
			out.AddString(strings.Join(kinds, ","))
		}
	}, rawAt("workflow_miner_detections", "matches"))
	c["github.workflow.filename"] = firstText(textAt("workflow", "path"))
}

// githubInfo is evt.plugininfo of a GitHub event.
func githubInfo() (deps []query.Field, fn derivation) {
	deps = githubEventDeps()
	n := len(deps)
	deps = append(deps, textAt("sender", "login"), textAt("actor"), textAt("repository", "html_url"), textAt("repo"))
	return deps, func(in query.Input, out *query.Values) {
		kind, action := githubEvent(in)
		line := append([]byte("github "), kind...)
		for _, part := range []struct {
			label string
			at    int
		}{{" user:", n}, {" repo:", n + 2}} {
			if v, ok := dep(in, part.at); ok {
				line = append(append(line, part.label...), v...)
			} else if v, ok := dep(in, part.at+1); ok {
				line = append(append(line, part.label...), v...)
			}
		}
		if action != "" {
			line = append(append(line, " action:"...), action...)
		}
		out.Add(line)
	}
}
