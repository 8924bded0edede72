package decode

import (
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Header fields of a finding in the Open Cybersecurity Schema Framework (OCSF), classes 2001
// to 2007, of any producer.
const (
	ocClass = iota
	ocUID
	ocListUID
	ocMetaUID
	ocCorrelation
	ocProduct
	ocVendor
	ocVersion
	ocTime
	ocModified
	ocActivity
	ocStatusID
	ocStatusCode
	ocAccount
	ocSeverityID
	// The fields below are read by the header only.
	ocSeverity
	ocStatus
	ocCompliance
	ocComplianceID
	ocRegion
	ocTitle
	ocMessage
	ocOwner
	ocText
	ocAnalytic
	ocEventCode
	ocAnalyticName
	ocControl
	ocCVE
	ocTypes
	ocResource
	ocResourceName
	ocHost
	ocActorID
	ocActorName
	ocIP
	ocAttack
)

var ocsfFinding = &Format{
	Name: "ocsf.finding",
	Fields: fieldList(false, []string{
		ocClass:        "class_uid",
		ocUID:          "finding_info.uid|finding.uid",
		ocListUID:      "finding_info_list.uid",
		ocMetaUID:      "metadata.uid",
		ocCorrelation:  "metadata.correlation_uid",
		ocProduct:      "metadata.product.name",
		ocVendor:       "metadata.product.vendor_name",
		ocVersion:      "metadata.version",
		ocTime:         "time|time_dt",
		ocModified:     "finding_info.modified_time|finding_info.modified_time_dt|finding.modified_time|metadata.modified_time",
		ocActivity:     "activity_id",
		ocStatusID:     "status_id",
		ocStatusCode:   "status_code",
		ocAccount:      "cloud.account.uid|cloud.account_uid",
		ocSeverityID:   "severity_id",
		ocSeverity:     "severity",
		ocStatus:       "status",
		ocCompliance:   "compliance.status",
		ocComplianceID: "compliance.status_id",
		ocRegion:       "cloud.region|resources.region",
		ocTitle:        "finding_info.title|finding.title|finding_info_list.title",
		ocMessage:      "message",
		ocOwner:        "resources.owner.account.uid",
		ocText:         "finding_info.desc|finding.desc|status_detail|desc",
		ocAnalytic:     "finding_info.analytic.uid",
		ocEventCode:    "metadata.event_code",
		ocAnalyticName: "finding_info.analytic.name|finding_info_list.analytic.uid",
		ocControl:      "compliance.control",
		ocCVE:          "vulnerabilities.cve.uid|vulnerabilities.title",
		ocTypes:        "finding_info.types|finding.types",
		ocResource:     "resources.uid|resource.uid|databucket.uid|database.uid|affected_code.file.path",
		ocResourceName: "resources.name|resource.name|device.uid",
		ocHost:         "device.hostname|device.name",
		ocActorID:      "actor.user.uid|evidences.actor.user.uid",
		ocActorName:    "actor.user.name|actor.user.email_addr|evidences.actor.user.name",
		ocIP:           "src_endpoint.ip|evidences.src_endpoint.ip",
		ocAttack:       "attacks.technique.uid|finding_info.attacks.technique.uid",
	}),
	Hot:    ocSeverity,
	Is:     isOCSF,
	Key:    ocsfKey,
	Time:   ocsfTime,
	Header: ocsfHeader,
	Alert:  ocsfAlert,
	Says:   []int{ocAnalytic, ocEventCode, ocControl, ocAnalyticName, ocCVE, ocTypes, ocMessage, ocTitle},
}

// isOCSF: the number of a class of findings, with the version of the schema or a product.
func isOCSF(r *Record) bool {
	c := r.scalar(ocClass)
	return len(c) == 4 && string(c[:3]) == "200" && c[3] >= '1' && c[3] <= '7' && (r.has(ocVersion) || r.has(ocProduct) || r.has(ocVendor))
}

// ocsfTime is that of the version: the later of the record's time and of its change.
func ocsfTime(r *Record) int64 { return max(firstNanos(r, ocTime), firstNanos(r, ocModified)) }

func firstNanos(r *Record, i int) int64 {
	for v := r.First(i); v >= 0; v = r.Doc.Next(v) {
		if k := r.Doc.Kind(v); k == slot.String || k == slot.Number {
			if ns := nanos(r.Doc.Text(v)); ns != 0 {
				return ns
			}
		}
	}
	return 0
}

// ocsfID is the finding's uid; an incident's is that of its correlation or its first finding.
func ocsfID(r *Record) []byte { return r.either(ocUID, ocCorrelation, ocListUID, ocMetaUID) }

// ocsfKey: product, account, uid, time in milliseconds, metadata.uid, and activity_id,
// status_id, status_code and severity_id, by which a version that keeps its time differs.
func ocsfKey(r *Record) (yagura.Key, uint64, bool) {
	at, id := ocsfTime(r), ocsfID(r)
	content := contentHash(at, r.scalar(ocAccount), r.scalar(ocClass), id, r.scalar(ocStatusCode))
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("ocsf.finding")
	k.part(r.either(ocProduct, ocVendor))
	k.part(r.scalar(ocAccount))
	k.part(id)
	k.number(at / 1e6)
	k.part(r.scalar(ocMetaUID))
	k.part(r.scalar(ocActivity))
	k.part(r.scalar(ocStatusID))
	k.part(r.scalar(ocStatusCode))
	k.part(r.scalar(ocSeverityID))
	return k.sum(), content, true
}

func ocsfHeader(r *Record, e *yagura.Event) {
	e.ID = r.words.string(ocsfID(r))
	e.Time = timeOf(ocsfTime(r))
	e.Account = r.str(ocAccount, ocOwner)
	e.Region = r.str(ocRegion)
	e.Action = r.str(ocAnalytic, ocEventCode, ocAnalyticName, ocControl, ocTypes)
	if id := r.str(ocActorID, ocActorName); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(ocActorName)}
		if strings.HasPrefix(id, "arn:") {
			e.Actor.Type = arnType(id)
		}
	}
	for _, i := range [...]int{ocResource, ocResourceName} {
		if len(e.Targets) > 0 {
			break
		}
		for _, id := range r.texts(i) {
			typ := yagura.EntityResource
			if strings.HasPrefix(id, "arn:") {
				typ = arnType(id)
			}
			e.Targets = addEntity(e.Targets, typ, id)
		}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(ocHost))
	e.SrcIP = firstAddress(r, ocIP)
	code, compliance, number := r.scalar(ocStatusCode), r.scalar(ocCompliance), string(r.scalar(ocComplianceID))
	switch {
	case isAny(code, "PASS"), len(code) == 0 && (isAny(compliance, "Pass", "PASSED") || number == "1"):
		e.Outcome = yagura.OutcomeSuccess
	case isAny(code, "FAIL"), len(code) == 0 && (isAny(compliance, "Fail", "FAILED") || number == "3"):
		e.Outcome = yagura.OutcomeFailure
	}
	finish(e)
}

func ocsfAlert(r *Record) (Alert, bool) {
	id := r.words.string(ocsfID(r))
	if id == "" {
		id = r.str(ocTitle, ocMessage) // it has no name: all that say the same are one
	}
	if id == "" {
		return Alert{}, false
	}
	product := r.str(ocProduct, ocVendor)
	if product == "" {
		product = "unknown product"
	}
	a := Alert{Family: "ocsf", Scope: "ocsf.finding/" + product, Key: id, Title: r.str(ocTitle, ocMessage), Text: r.str(ocText)}
	if ofGuardDuty(id) {
		a.Scope = scopeGuardDuty
	} else if ofInspector(id) {
		a.Scope = scopeInspector
	}
	code := r.str(ocAnalytic, ocEventCode, ocControl, ocAnalyticName, ocCVE, ocTypes)
	if code == "" {
		code = "class " + r.str(ocClass)
	}
	a.Rule = product + "/" + code
	for _, v := range r.texts(ocAttack) {
		if tag := attackTag([]byte(v)); tag != "" && len(a.Tags) < 20 {
			a.Tags = append(a.Tags, tag)
		}
	}
	class, code2 := string(r.scalar(ocClass)), r.scalar(ocStatusCode)
	graded := isAny(code2, "PASS", "FAIL", "MANUAL")
	a.Posture = class == "2002" || class == "2003" || class == "2007" || graded || r.has(ocCompliance) || r.has(ocComplianceID)
	a.Severity, a.Original = ocsfSeverity(r.scalar(ocSeverityID)), r.str(ocSeverity, ocSeverityID)
	if a.Severity == 0 {
		if a.Severity = severityWord(r.scalar(ocSeverity)); a.Severity == 0 || isAny(r.scalar(ocSeverity), "unknown") {
			a.Severity = yagura.SeverityMedium
		}
	}
	status, word := string(r.scalar(ocStatusID)), r.scalar(ocStatus)
	switch {
	case string(r.scalar(ocActivity)) == "3":
		a.Resolved, a.State = true, "activity Close"
	case status == "4", status == "5", status == "6", status == "" && isAny(word, "Resolved", "Archived", "Closed", "Deleted"):
		a.Resolved, a.State = true, "status "+orText(string(word), status)
	case isAny(code2, "PASS"):
		a.Resolved, a.State = true, "status_code PASS"
	case string(r.scalar(ocComplianceID)) == "1", isAny(r.scalar(ocCompliance), "Pass", "PASSED"):
		a.Resolved, a.State = true, "compliance passed"
	case isAny(code2, "MANUAL"):
		a.Severity, a.State = yagura.SeverityNone, "status_code MANUAL"
	case status == "3" && class != "2005", status == "" && isAny(word, "Suppressed"):
		a.Severity, a.State = yagura.SeverityNone, "status Suppressed"
	}
	return a, true
}

func orText(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// ocsfSeverity reads severity_id; 0 for unknown and other.
func ocsfSeverity(id []byte) yagura.Severity {
	if len(id) != 1 || id[0] < '1' || id[0] > '6' {
		return 0
	}
	return [...]yagura.Severity{yagura.SeverityNone, yagura.SeverityLow, yagura.SeverityMedium, yagura.SeverityHigh, yagura.SeverityCritical, yagura.SeverityCritical}[id[0]-'1']
}
