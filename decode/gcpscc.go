package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a finding of Google's Security Command Center, of both versions of its
// API: in a notification (Pub/Sub), as the API lists it, alone, in an entry of Cloud
// Logging, and in the columns of an export to BigQuery; and what Event Threat Detection
// writes to Cloud Logging. Names are as in JSON or with underscores.
const (
	scName = iota
	scCategory
	scState
	scMute
	scSeverity
	scEvent
	scCreated
	scResource
	scRuleName
	scLogName
	scLogTime
	scInsertID
	scPriority
	scAffected
	scEntrySeverity
	// The fields below are read by the header only.
	scCanonical
	scClass
	scText
	scExplanation
	scProject
	scProjectName
	scAWSAccount
	scLocation
	scEmail
	scSubject
	scCaller
	scOtherIP
	scKeyName
	scTactic
	scIndicators
	scInstance
	scMembers
	scSource
)

var gcpSCC = &Format{
	Name: "gcp.scc",
	Fields: fieldList(false, []string{
		scName:     inFinding("name"),
		scCategory: inFinding("category"),
		scState:    inFinding("state"),
		scMute:     inFinding("mute"),
		scSeverity: "finding.severity|jsonPayload.finding.severity",
		scEvent:    inFinding("eventTime"),
		scCreated:  inFinding("createTime"),
		scResource: inFinding("resourceName") + "|" + inSCCResource("name"),
		scRuleName: inDetection("detectionCategory.ruleName"),
		scLogName:  "logName|log_name",
		scLogTime:  "timestamp",
		scInsertID: "insertId|insert_id",
		scPriority: inDetection("detectionPriority") + "|" + inDetection("SeverityLevel"),
		scAffected: inDetection("affectedResources.gcpResourceName") + "|" + inDetection("properties.instanceDetails"),
		// Of a finding alone; an entry of a log has a severity of its own.
		scEntrySeverity: "severity",
		scCanonical:     inFinding("canonicalName"),
		scClass:         inFinding("findingClass"),
		scText:          inFinding("description"),
		scExplanation:   inDetection("Explanation") + "|" + inDetection("explanation"),
		scProject: inDetection("ProjectId") + "|" + inDetection("properties.projectId") + "|" + inDetection("properties.project_id") + "|" +
			inDetection("properties.network.project") + "|" + inDetection("evidence.sourceLogId.projectId"),
		scProjectName: inSCCResource("projectDisplayName") + "|" + inSCCResource("gcpMetadata.projectDisplayName"),
		scAWSAccount:  inSCCResource("awsMetadata.account.id"),
		scLocation:    inSCCResource("location") + "|" + inDetection("properties.zone") + "|" + inDetection("properties.location"),
		scEmail: inFinding("access.principalEmail") + "|" + inDetection("properties.principalEmail") + "|" +
			inDetection("properties.sensitiveRoleGrant.principalEmail") + "|" + inDetection("properties.externalMemberAddedToPrivilegedGroup.principalEmail"),
		scSubject: inFinding("access.principalSubject"),
		scCaller:  inFinding("access.callerIp") + "|" + inDetection("properties.callerIp") + "|" + inDetection("properties.attempts.sourceIp") + "|" + inDetection("properties.ipConnection.srcIp"),
		scOtherIP: inDetection("properties.ip") + "|" + inFinding("indicator.ipAddresses") + "|" + inFinding("connections.sourceIp") + "|" + inFinding("connections.destinationIp"),
		scKeyName: inFinding("access.serviceAccountKeyName"),
		scTactic:  inFinding("mitreAttack.primaryTactic"),
		// The names that malware asked for.
		scIndicators: inFinding("indicator.domains") + "|" + inDetection("properties.domains"),
		scInstance:   inDetection("properties.instanceId") + "|" + inDetection("properties.vmName") + "|" + inDetection("properties.attempts.vmName"),
		scMembers:    inDetection("properties.sensitiveRoleGrant.members") + "|" + inFinding("iamBindings.member"),
		scSource:     inFinding("connections.sourceIp"),
	}),
	Hot:    scCanonical,
	Is:     isGCPSCC,
	Key:    gcpSCCKey,
	Time:   gcpSCCTime,
	Header: gcpSCCHeader,
	Alert:  gcpSCCAlert,
	Says:   []int{scCategory, scRuleName},
}

// inFinding lists the paths of a field of a finding.
func inFinding(path string) string {
	return underscored("finding.", path) + "|" + underscored("", path) + "|" + underscored("jsonPayload.finding.", path)
}

// inSCCResource lists the paths of a field of the resource that stands beside a finding.
func inSCCResource(path string) string {
	return underscored("resource.", path) + "|" + underscored("finding.resource.", path) + "|" + underscored("jsonPayload.resource.", path)
}

// inDetection lists the paths of what a detector says beyond the finding.
func inDetection(path string) string {
	return "finding.sourceProperties." + path + "|finding.source_properties." + path + "|sourceProperties." + path + "|source_properties." + path +
		"|jsonPayload.finding.sourceProperties." + path + "|jsonPayload." + path
}

// underscored lists a path below prefix as it is and, where that differs, with underscores
// before its capitals.
func underscored(prefix, path string) string {
	var b strings.Builder
	for _, c := range path {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c |= 0x20
		}
		b.WriteRune(c)
	}
	if b.String() == path {
		return prefix + path
	}
	return prefix + path + "|" + prefix + b.String()
}

// isGCPSCC: the name of a finding with its category, or an entry of Event Threat Detection's
// log with the rule's name.
func isGCPSCC(r *Record) bool {
	if name := r.scalar(scName); bytes.Contains(name, []byte("/sources/")) && bytes.Contains(name, []byte("/findings/")) {
		return r.has(scCategory)
	}
	return r.isDetection()
}

// isDetection says whether the record is of Event Threat Detection's log. Samples of it in
// the documentation escape the slash in its name twice.
func (r *Record) isDetection() bool {
	return r.has(scRuleName) && bytes.Contains(r.scalar(scLogName), []byte("threatdetection.googleapis.com")) && !r.has(scCategory)
}

// sccSeverity is the severity of the finding, nil where it tells none.
func (r *Record) sccSeverity() []byte {
	if word := r.scalar(scSeverity); word != nil || r.has(scLogName) {
		return word
	}
	return r.scalar(scEntrySeverity)
}

// gcpSCCTime is that of the version.
func gcpSCCTime(r *Record) int64 {
	for _, i := range [...]int{scEvent, scCreated, scLogTime} {
		if ns := nanos(r.scalar(i)); ns != 0 {
			return ns
		}
	}
	return 0
}

// gcpSCCKey: name, event time in milliseconds, state, mute and severity, by which a version
// that keeps its time differs; of an entry of Event Threat Detection timestamp (in
// microseconds), logName and insertId.
func gcpSCCKey(r *Record) (yagura.Key, uint64, bool) {
	at := gcpSCCTime(r)
	content := contentHash(at, r.either(scCategory, scRuleName), r.either(scResource, scAffected), r.scalar(scState))
	var k keyer
	k.start("gcp.scc")
	if r.isDetection() {
		k.number(at / 1e3)
		k.part(r.scalar(scLogName))
		k.part(r.scalar(scInsertID))
		return k.sum(), content, at != 0 && r.has(scInsertID)
	}
	before, after := splitFinding(r.scalar(scName))
	k.part(before)
	k.part(after)
	k.number(at / 1e6)
	k.part(r.scalar(scState))
	k.part(r.scalar(scMute))
	k.part(r.sccSeverity())
	return k.sum(), content, true
}

// splitFinding cuts the name of a finding where the second version of the API puts its
// place: both versions name one finding.
func splitFinding(name []byte) (before, after []byte) {
	if i := bytes.Index(name, []byte("/locations/global/findings/")); i > 0 {
		return name[:i], name[i+len("/locations/global"):]
	}
	if i := bytes.LastIndex(name, []byte("/findings/")); i > 0 {
		return name[:i], name[i:]
	}
	return name, nil
}

func gcpSCCHeader(r *Record, e *yagura.Event) {
	if e.ID = r.str(scName); r.isDetection() {
		e.ID = r.str(scInsertID)
	}
	e.Time = timeOf(gcpSCCTime(r))
	e.Action = r.str(scCategory, scRuleName)
	e.Account = r.sccAccount()
	if e.Region = cutZone(r.str(scLocation)); e.Region == "" {
		e.Region = placeIn(r.str(scResource, scAffected))
	}
	if e.Actor = googlePrincipal(r.str(scEmail)); e.Actor.ID == "" {
		e.Actor = googlePrincipal(r.str(scSubject))
	}
	for _, i := range [...]int{scResource, scAffected} {
		if len(e.Targets) > 0 {
			break
		}
		e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(i))
	}
	e.SrcIP = firstAddress(r, scCaller, scSource)
	more := []yagura.Entity{{Type: yagura.EntityKey, ID: r.str(scKeyName)}, {Type: yagura.EntityHost, ID: r.str(scInstance)}}
	for _, id := range append(r.few(scCaller), r.few(scOtherIP)...) {
		more = append(more, yagura.Entity{Type: yagura.EntityIP, ID: address(id)})
	}
	for _, name := range r.few(scIndicators) {
		more = append(more, yagura.Entity{Type: yagura.EntityDomain, ID: dnsName(name)})
	}
	for _, m := range r.few(scMembers) {
		more = append(more, entityOf(googlePrincipal(m)))
	}
	finish(e, more...)
}

// sccAccount is the project, or the account of another cloud, that a finding is about:
// its id where the finding tells it, else its number, else the folder or organization.
func (r *Record) sccAccount() string {
	if id := r.str(scAWSAccount); id != "" {
		return id
	}
	resource := r.str(scResource, scAffected)
	inName := projectIn(resource)
	if inName != "" && !isNumber([]byte(inName)) {
		return inName
	}
	if id := r.str(scProject, scProjectName); id != "" {
		return id
	}
	if inName != "" {
		return inName
	}
	if canonical := r.str(scCanonical, scName); canonical != "" {
		if id := projectIn(canonical); id != "" {
			return id
		}
		if parts := strings.SplitN(canonical, "/", 3); len(parts) == 3 {
			return parts[1]
		}
	}
	if parts := strings.SplitN(r.str(scLogName), "/", 3); len(parts) == 3 {
		return parts[1]
	}
	return ""
}

// projectIn is the project in the name of a resource of Google Cloud.
func projectIn(name string) string {
	at := 0
	if !strings.HasPrefix(name, "projects/") {
		if at = strings.Index(name, "/projects/"); at < 0 {
			return ""
		}
		at++
	}
	id, _, _ := strings.Cut(name[at+len("projects/"):], "/")
	return id
}

func gcpSCCAlert(r *Record) (Alert, bool) {
	rule := r.str(scCategory, scRuleName)
	a := Alert{Family: "scc", Scope: "gcp.scc", Rule: rule, Title: rule, Text: r.str(scText, scExplanation)}
	if r.isDetection() {
		a.Key = "detection " + rule + " " + r.str(scAffected, scLogName)
	} else {
		before, after := splitFinding(r.scalar(scName))
		a.Key = string(before) + string(after)
	}
	if resource := r.str(scResource, scAffected); resource != "" {
		a.Title += ": " + strings.TrimPrefix(resource, "//")
	}
	word := r.sccSeverity()
	if len(word) == 0 || isAny(word, "SEVERITY_UNSPECIFIED") {
		word = r.scalar(scPriority)
	}
	a.Original = r.words.string(word)
	if a.Severity = severityWord(word); a.Severity == 0 {
		a.Severity = yagura.SeverityMedium
	}
	switch class := r.scalar(scClass); {
	case isAny(class, "MISCONFIGURATION", "VULNERABILITY", "POSTURE_VIOLATION", "TOXIC_COMBINATION", "CHOKEPOINT", "SECRET", "SCC_ERROR", "SENSITIVE_DATA_RISK", "EXTERNAL_EXPOSURE"):
		a.Posture = true
	case len(class) == 0 && r.has(scCategory): // before there were classes: OPEN_FIREWALL, but "C2: Bad IP"
		a.Posture = strings.Trim(rule, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
	}
	if tactic := r.str(scTactic); tactic != "" && tactic != "TACTIC_UNSPECIFIED" {
		if tag := attackTag([]byte("mitre_" + strings.ToLower(tactic))); tag != "" {
			a.Tags = []string{tag}
		}
	}
	switch {
	case isAny(r.scalar(scState), "INACTIVE"):
		a.Resolved, a.State = true, "state INACTIVE"
	case isAny(r.scalar(scMute), "MUTED"):
		a.Resolved, a.State = true, "mute MUTED"
	}
	return a, true
}
