package api

import (
	"time"

	"github.com/yagura-sec/yagura/filter"
)

// Routes is the table of all endpoints.
func (a *API) Routes() []Route {
	return []Route{
		// Who is there
		get("/openapi.json", Public, "describe", "The description of this API", a.describe),
		get("/sign-in", Public, "getOffer", "How one may sign in", a.offer),
		post("/sign-in", Public, "signIn", "Sign in with a password", a.signIn).signIn(),
		post("/setup", Public, "setUp", "Make the first admin, or set the password of an invitation", a.setUp).signIn(),
		get("/session", Self, "getSession", "Who calls, and what may be done", a.session),
		post("/sign-out", Self, "signOut", "End this session", a.signOut),
		patch("/me", Self, "changeMe", "Change one's own preferences", a.prefer),
		post("/me/password", Self, "changePassword", "Change one's own password", a.changePassword),
		post("/me/totp", Self, "startTotp", "Begin with a second factor", a.startTOTP),
		put("/me/totp", Self, "confirmTotp", "Turn the second factor on with its first code", a.confirmTOTP),
		del("/me/totp", Self, "removeTotp", "Turn the second factor off", a.removeTOTP),
		get("/me/sessions", Self, "listMySessions", "One's own sessions", a.mySessions),
		del("/me/sessions/{id}", Self, "endMySession", "End one of one's own sessions", a.endMySession),
		put("/me/visit", Self, "visit", "Mark that one has looked", a.visit),

		// Issues
		list("/issues", View, filter.Issues, "listIssues", "Issues", a.issues),
		list("/issues/counts", View, filter.Issues, "countIssues", "How many issues have which value", a.issueCounts),
		post("/issues/changes", Work, "changeIssues", "Change many issues alike", a.changeIssues),
		get("/issues/{id}", View, "getIssue", "One issue", a.issue),
		get("/issues/{id}/timeline", View, "listTimeline", "What happened to an issue", a.timeline),
		get("/issues/{id}/findings", View, "listIssueFindings", "The findings of an issue", a.issueFindings),
		get("/issues/{id}/notices", View, "listIssueNotices", "Who was told of an issue", a.issueNotices),
		get("/issues/{id}/related", View, "getRelated", "Issues of the same actor, and similar ones", a.relatedIssues),
		get("/issues/{id}/graph", View, "getIssueGraph", "What hangs together around an issue", a.issueGraph),
		get("/issues/{id}/events", View, "listIssueEvents", "The raw events of an issue's findings", a.issueEvents),
		get("/issues/{id}/evidence", View, "getEvidence", "Everything about an issue in one archive, with check sums", a.evidence).Within(5 * time.Minute),
		post("/issues/{id}/changes", Work, "changeIssue", "Change an issue", a.changeIssue),

		// Findings and entities
		list("/findings", View, filter.Findings, "listFindings", "Findings", a.findings),
		get("/findings/{id}", View, "getFinding", "One finding, with its raw events", a.finding),
		list("/events", View, filter.Events, "listEvents", "The records of the lake", a.events).Within(time.Minute),
		get("/events/{key}", View, "getEvent", "One record of the lake, as it was received", a.event).Within(time.Minute),
		list("/notices", View, filter.Notices, "listNotices", "What is owed to sinks, and was", a.notices),
		post("/notices/{id}/retry", Decide, "retryNotice", "Have a dead notice delivered again", a.retryNotice),
		list("/accounts", View, filter.Accounts, "listAccounts", "Accounts, with how much there is of each", a.accounts),
		list("/entities", View, filter.Entities, "listEntities", "Who and what issues are about", a.entities),
		get("/entities/{type}/{id}", View, "getEntity", "What is known of an entity", a.entity),
		get("/entities/{type}/{id}/graph", View, "getEntityGraph", "What hangs together around an entity", a.entityGraph),

		// Lists
		get("/lists", View, "listLists", "What every list can be asked", a.lists),
		get("/query/check", View, "checkQuery", "What is wrong with a query", a.queryCheck),
		get("/query/complete", View, "completeQuery", "What may be written at a place of a query", a.queryComplete),
		get("/search", View, "search", "Things by words or a pasted value, for the palette", a.search),
		get("/views", View, "listViews", "Lists that people kept", a.views),
		get("/views/{id}", View, "getView", "One view", a.view),
		post("/views", Work, "addView", "Keep a list", a.addView),
		put("/views/{id}", Work, "setView", "Change a view", a.setView).Matched(),
		del("/views/{id}", Work, "deleteView", "Forget a view", a.deleteView),

		// Who may what
		list("/users", Manage, filter.Users, "listUsers", "Users", a.users),
		post("/users", Manage, "addUser", "Make a user, with a link to set the password", a.addUser),
		get("/users/{id}", Manage, "getUser", "One user", a.user),
		patch("/users/{id}", Manage, "changeUser", "Change a user", a.changeUser).Matched(),
		del("/users/{id}", Manage, "removeUser", "Remove a user", a.removeUser),
		post("/users/{id}/invite", Manage, "inviteUser", "Make a link by which a user sets a password anew", a.invite),
		get("/users/{id}/sessions", Manage, "listUserSessions", "The sessions of a user", a.userSessions),
		del("/users/{id}/sessions", Manage, "endUserSessions", "End all sessions of a user", a.endUserSessions),
		get("/sessions", Manage, "listSessions", "All sessions", a.sessions),
		del("/sessions/{id}", Manage, "endSession", "End a session", a.endSession),
		list("/tokens", Manage, filter.Tokens, "listTokens", "Tokens of the API", a.tokens),
		post("/tokens", Manage, "addToken", "Make a token", a.addToken),
		get("/tokens/{id}", Manage, "getToken", "One token", a.token),
		del("/tokens/{id}", Manage, "revokeToken", "Revoke a token", a.revokeToken),
		list("/audit", Manage, filter.AuditTrail, "listAudit", "The audit trail", a.audit),
		get("/audit/check", Manage, "checkAudit", "Whether the audit trail is as it was written", a.auditCheck).Within(2 * time.Minute),

		// Hunts
		post("/hunt", Hunt, "hunt", "Ask the lake", a.hunt).Reads().Within(2 * time.Minute),
		post("/hunt/check", Hunt, "checkHunt", "What is wrong with a question", a.huntCheck).Reads(),
		post("/hunt/complete", Hunt, "completeHunt", "What may be written at a place of a question", a.huntComplete).Reads(),
		post("/hunt/export", Hunt, "exportHunt", "Ask the lake and save the rows", a.huntExport).Reads().Within(2 * time.Minute),
		get("/hunt/tables", Hunt, "listHuntTables", "Tables that can be asked, with their columns", a.huntTables),
		get("/hunt/history", Hunt, "listHuntHistory", "What one asked last", a.huntHistory),
		list("/hunts", View, filter.Hunts, "listHunts", "Saved hunts", a.savedHunts),
		get("/hunts/{name}", View, "getHunt", "One saved hunt", a.savedHunt),
		post("/hunts", Work, "addHunt", "Save a hunt", a.addHunt),
		put("/hunts/{name}", Work, "setHunt", "Change a saved hunt", a.setHunt),
		del("/hunts/{name}", Work, "deleteHunt", "Forget a saved hunt", a.deleteHunt),
		post("/hunts/{name}/schedule", Configure, "scheduleHunt", "Make a rule of a saved hunt", a.scheduleHunt),

		// Rules
		list("/rules", View, filter.Rules, "listRules", "The rules that are loaded, and those that were refused", a.rules),
		get("/rules/{id}", View, "getRule", "One rule, with its text", a.rule),
		post("/rules/test", Work, "testRule", "What a rule would find in stored events", a.testRule).Reads().Within(time.Minute),
		patch("/rules/{id}", Configure, "tuneRule", "Switch a rule on or off, or change how its findings count", a.tuneRule),
		put("/rules/{id}", Configure, "putRule", "Write the file of a rule of one's own", a.putRule),
		del("/rules/{id}", Configure, "deleteRule", "Delete a rule of one's own", a.deleteRule),
		get("/coverage", View, "getCoverage", "Which techniques the rules look for", a.coverage),

		// Policy and suppressions
		get("/policy", View, "getPolicy", "The severity policy", a.policy),
		put("/policy", Configure, "putPolicy", "Have another policy hold", a.putPolicy).Matched(),
		post("/policy/check", Configure, "checkPolicy", "What is wrong with a policy", a.checkPolicy).Reads(),
		post("/policy/replay", Configure, "replayPolicy", "What stored findings would come to by another policy", a.replayPolicy).Reads().Within(5 * time.Minute),
		get("/policy/versions", View, "listPolicyVersions", "Policies that held before", a.policyVersions),
		get("/policy/versions/{id}", View, "getPolicyVersion", "One of them, with its text", a.policyVersion),
		list("/suppressions", View, filter.Suppressions, "listSuppressions", "What keeps findings quiet", a.suppressions),
		post("/suppressions", Decide, "suppress", "Keep findings quiet until a time", a.suppress),
		post("/suppressions/replay", Decide, "replaySuppression", "What a suppression would have kept quiet", a.replaySuppression).Reads().Within(5 * time.Minute),
		del("/suppressions/{id}", Decide, "liftSuppression", "Lift a suppression", a.liftSuppression),

		// How all of it does
		get("/overview", View, "getOverview", "How the watch does", a.overview),

		// What comes in and goes out
		list("/sources", View, filter.Sources, "listSources", "How records come in", a.sources).Whole(),
		list("/sinks", View, filter.Sinks, "listSinks", "How people are told", a.sinks).Whole(),
		post("/sinks/{name}/test", Configure, "testSink", "Send a sink a notice that is only a test", a.testSink),
		get("/ledger", View, "getLedger", "The books: what was received, judged, owed and delivered", a.ledger).Whole(),
		list("/dead-letters", View, filter.DeadLetters, "listDeadLetters", "Records that could not be decoded or judged", a.deadLetters),
		get("/dead-letters/{id}", View, "getDeadLetter", "One of them, with its bytes", a.deadLetter),
		post("/dead-letters/{id}/retry", Configure, "retryDeadLetter", "Judge one of them again", a.retryDeadLetter),

		// Documents
		list("/documents", View, filter.Documents, "listDocuments", "Runbooks and the handbook", a.documents),
		post("/documents/check", Configure, "checkDocument", "What is doubtful in the text of a document", a.checkDocument).Reads(),
		get("/documents/{path...}", View, "getDocument", "One document, with its text", a.document),
		put("/documents/{path...}", Configure, "putDocument", "Write a document: over the version of If-Match, or a new one (If-None-Match: *)", a.putDocument).Matched(),
		del("/documents/{path...}", Configure, "deleteDocument", "Delete a document", a.deleteDocument).Matched(),

		// Settings
		get("/settings", Manage, "getSettings", "The configuration that holds, without secrets", a.settings),

		get("/team-files/{name}", View, "getTeamFile", "What the team says of its accounts, or of how people are told", a.teamFile).Whole(),
		post("/team-files/{name}/check", Configure, "checkTeamFile", "What is wrong with a text of it", a.checkTeamFile).Reads(),
		put("/team-files/{name}", Configure, "putTeamFile", "Have another text hold", a.putTeamFile).Matched(),

		// What happens now
		get("/stream", View, "stream", "News, as server-sent events", a.stream).Within(0),
	}
}
