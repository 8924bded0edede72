package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a finding of Amazon Inspector (its second version): as EventBridge
// carries it, as a report exports it, and as the API answers.
const (
	inARN = iota
	inType
	inAccount
	inSeverity
	inStatus
	inUpdated
	inObserved
	inFirst
	inResource
	// The fields below are read by the header only.
	inRegion
	inTitle
	inText
	inCVE
	inDetector
	inImage
)

var awsInspector = &Format{
	Name: "aws.inspector",
	Fields: fieldList(false, []string{
		inARN:      "findingArn",
		inType:     "type",
		inAccount:  "awsAccountId",
		inSeverity: "severity",
		inStatus:   "status",
		inUpdated:  "updatedAt",
		inObserved: "lastObservedAt",
		inFirst:    "firstObservedAt",
		inResource: "resources.id",
		inRegion:   "resources.region",
		inTitle:    "title",
		inText:     "description",
		inCVE:      "packageVulnerabilityDetails.vulnerabilityId",
		inDetector: "codeVulnerabilityDetails.detectorId|codeVulnerabilityDetails.detectorName",
		inImage:    "resources.details.awsEcrContainerImage.repositoryName|resources.details.awsLambdaFunction.functionName",
	}),
	Hot:    inRegion,
	Is:     isAWSInspector,
	Key:    awsInspectorKey,
	Time:   awsInspectorTime,
	Header: awsInspectorHeader,
	Alert:  awsInspectorAlert,
	Says:   []int{inCVE, inDetector, inType, inTitle},
}

// isAWSInspector: the ARN of a finding of Inspector, or one of its three types.
func isAWSInspector(r *Record) bool {
	return r.has(inARN) && r.has(inAccount) && r.has(inSeverity) && (bytes.Contains(r.scalar(inARN), []byte(":inspector2:")) ||
		isAny(r.scalar(inType), "PACKAGE_VULNERABILITY", "NETWORK_REACHABILITY", "CODE_VULNERABILITY"))
}

// awsInspectorTime is that of the version.
func awsInspectorTime(r *Record) int64 {
	for _, i := range [...]int{inUpdated, inObserved, inFirst} {
		if ns := inspectorNanos(r.scalar(i)); ns != 0 {
			return ns
		}
	}
	return 0
}

// inspectorNanos also reads how EventBridge writes the times of Inspector ("Jan 19, 2022,
// 10:46:15 PM", with a narrow space before PM of late), and seconds with an exponent.
func inspectorNanos(text []byte) int64 {
	if ns := nanos(text); ns != 0 || len(text) < 8 {
		return ns
	}
	if bytes.IndexByte(text, 'E') > 0 && text[0] >= '0' && text[0] <= '9' {
		if f, ok := decimal(text); ok && f > 1e8 && f < 9e9 {
			return int64(f*1e3) * 1e6
		}
		return 0
	}
	month := 0
	for i, name := range [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"} {
		if string(text[:3]) == name {
			month = i + 1
		}
	}
	if month == 0 || len(text) > 40 {
		return 0
	}
	var room [48]byte // month/ in place of the name, and plain spaces
	t := append(room[:0], byte('0'+month/10), byte('0'+month%10), '/')
	for i := 4; i < len(text); i++ {
		switch {
		case bytes.HasPrefix(text[i:], []byte("\u202f")):
			t = append(t, ' ')
			i += 2
		case text[i] == ',' && bytes.IndexByte(t[3:], '/') < 0: // behind the day
			t = append(t, '/')
			i++
		default:
			t = append(t, text[i])
		}
	}
	ns, _ := parseUS(t)
	return ns
}

// awsInspectorKey: findingArn, time of the update in milliseconds, status, severity.
func awsInspectorKey(r *Record) (yagura.Key, uint64, bool) {
	at := awsInspectorTime(r)
	var k keyer
	k.start("aws.inspector")
	k.part(r.scalar(inARN))
	k.number(at / 1e6)
	k.part(r.scalar(inStatus))
	k.part(r.scalar(inSeverity))
	return k.sum(), contentHash(at, r.scalar(inAccount), r.scalar(inType), r.scalar(inResource), r.scalar(inStatus)), true
}

func awsInspectorHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(inARN)
	e.Time = timeOf(awsInspectorTime(r))
	e.Account = r.str(inAccount)
	if e.Region = r.str(inRegion); e.Region == "" {
		e.Region = arnRegion(e.ID)
	}
	e.Action = r.str(inType)
	for _, id := range r.few(inResource) {
		typ := yagura.EntityResource
		switch {
		case strings.HasPrefix(id, "arn:"):
			typ = arnType(id)
		case strings.HasPrefix(id, "i-"):
			typ = yagura.EntityHost
		}
		e.Targets = addEntity(e.Targets, typ, id)
	}
	finish(e, yagura.Entity{Type: yagura.EntityResource, ID: r.str(inImage)})
}

// scopeInspector is the scope of alerts that Inspector named, whoever brings them.
const scopeInspector = "aws.inspector"

// ofInspector says whether an id is the ARN of a finding of Inspector.
func ofInspector(id string) bool {
	return strings.HasPrefix(id, "arn:") && strings.Contains(id, ":inspector2:") && strings.Contains(id, ":finding/")
}

func awsInspectorAlert(r *Record) (Alert, bool) {
	a := Alert{Family: "inspector", Scope: scopeInspector, Rule: r.str(inCVE, inDetector, inType), Key: r.str(inARN), Title: r.str(inTitle), Text: r.str(inText),
		Original: r.str(inSeverity), Posture: true, Severity: severityWord(r.scalar(inSeverity))}
	if a.Severity == 0 || isAny(r.scalar(inSeverity), "UNTRIAGED") {
		a.Severity = yagura.SeverityMedium
	}
	switch status := r.scalar(inStatus); {
	case isAny(status, "CLOSED"):
		a.Resolved, a.State = true, "status CLOSED"
	case isAny(status, "SUPPRESSED"):
		a.Severity, a.State = yagura.SeverityNone, "status SUPPRESSED"
	}
	return a, true
}
