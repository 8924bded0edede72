package securityhub

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// The limits of the format. AWS counts characters in some places and bytes in others and
// refuses the whole finding; bytes are right for both.
const (
	maxTitle       = 256
	maxDescription = 1024
	maxGenerator   = 512
	maxResourceID  = 512
	maxResources   = 32
	maxOriginal    = 64
	maxFieldValue  = 2048
	maxDetail      = 1000
	maxTypes       = 50
	maxURL         = 1024

	schemaVersion = "2018-10-08"
	timeLayout    = "2006-01-02T15:04:05.000Z"
)

// Keys of ProductFields.
const (
	fieldIssue   = Marker + "issue"
	fieldNotice  = Marker + "notice"
	fieldSeq     = Marker + "seq"
	fieldEpisode = Marker + "episode"
)

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }

// place is where a finding goes.
type place struct{ account, region string }

// finding writes what Security Hub is to know of a notice's issue.
func (s *Sink) finding(n *yagura.Notice, at place, id string, t times) types.AwsSecurityFinding {
	is := n.Issue
	f := types.AwsSecurityFinding{
		SchemaVersion: aws.String(schemaVersion),
		Id:            aws.String(id),
		ProductArn:    aws.String(productARN(at.region, at.account)),
		GeneratorId:   aws.String(cut(Marker+clean(cmp.Or(is.Rule.ID, is.Rule.Title, "unknown")), maxGenerator)),
		AwsAccountId:  aws.String(at.account),
		CreatedAt:     aws.String(stamp(time.UnixMilli(t.created))),
		UpdatedAt:     aws.String(stamp(time.UnixMilli(t.updated))),
		Title:         aws.String(s.title(is)),
		Description:   aws.String(cut(s.description(n), maxDescription)),
		RecordState:   recordState(n),
		FindingProviderFields: &types.FindingProviderFields{
			Severity: &types.FindingProviderSeverity{Label: label(is.Severity)},
			Types:    findingTypes(is),
		},
	}
	if o := shown(is.SeverityOriginal); o != "" {
		f.FindingProviderFields.Severity.Original = aws.String(cut(o, maxOriginal))
	}
	if t := is.FirstSeen; plausible(t) {
		f.FirstObservedAt = aws.String(stamp(t))
	}
	if t := is.LastSeen; plausible(t) {
		f.LastObservedAt = aws.String(stamp(t))
	}
	if is.Kind == yagura.Posture {
		f.Compliance = &types.Compliance{Status: types.ComplianceStatusFailed}
		if recordState(n) == types.RecordStateArchived && is.CloseReason != yagura.ClosedByHuman {
			f.Compliance.Status = types.ComplianceStatusPassed
		}
	}
	if s.o.Link != nil {
		if u := pageURL(s.o.Link(is.ID)); u != "" {
			f.SourceUrl = aws.String(u)
		}
	}
	for _, l := range is.Links {
		if u := pageURL(l.URL); u != "" {
			f.Remediation = &types.Remediation{Recommendation: &types.Recommendation{
				Text: aws.String(cut(cmp.Or(shown(l.Title), "more about this issue"), 512)), Url: aws.String(u)}}
			break
		}
	}
	var left int
	f.Resources, left = resources(is, at)
	f.ProductFields = s.productFields(n, left)
	return f
}

func (s *Sink) title(is *yagura.Issue) string {
	t := is.Title
	if s.o.Lang == notify.Japanese {
		t = cmp.Or(is.TitleJA, t)
	}
	return cut(cmp.Or(shown(t), shown(is.Rule.Title), "Yagura issue "+clean(is.ID)), maxTitle)
}

// description is what happened, in the words of the finding, or the first clause that held.
func (s *Sink) description(n *yagura.Notice) string {
	t := notify.NewText(n, notify.TextOptions{Lang: s.o.Lang})
	if what := clean(t.What); what != "" {
		return what
	}
	for _, y := range t.Why {
		if line := clean(y.Field + " " + y.Op + " " + y.Value + ": " + y.Actual); line != ":" {
			return line
		}
	}
	return s.title(n.Issue)
}

// recordState is archived for an issue that is closed.
func recordState(n *yagura.Notice) types.RecordState {
	switch n.Op {
	case yagura.OpClose:
		return types.RecordStateArchived
	case yagura.OpOpen, yagura.OpReopen:
		return types.RecordStateActive
	}
	if n.Issue.Status == yagura.StatusClosed {
		return types.RecordStateArchived
	}
	return types.RecordStateActive
}

func label(s yagura.Severity) types.SeverityLabel {
	switch s {
	case yagura.SeverityCritical:
		return types.SeverityLabelCritical
	case yagura.SeverityHigh:
		return types.SeverityLabelHigh
	case yagura.SeverityMedium:
		return types.SeverityLabelMedium
	case yagura.SeverityLow:
		return types.SeverityLabelLow
	}
	return types.SeverityLabelInformational
}

// tactics of ATT&CK, as Sigma writes them in tags, in the taxonomy of finding types.
var tactics = map[string]string{ //nolint:gosec // words of ATT&CK
	"reconnaissance":       "TTPs/Discovery",
	"initial-access":       "TTPs/Initial Access",
	"execution":            "TTPs/Execution",
	"persistence":          "TTPs/Persistence",
	"privilege-escalation": "TTPs/Privilege Escalation",
	"defense-evasion":      "TTPs/Defense Evasion",
	"credential-access":    "TTPs/Credential Access",
	"discovery":            "TTPs/Discovery",
	"lateral-movement":     "TTPs/Lateral Movement",
	"collection":           "TTPs/Collection",
	"command-and-control":  "TTPs/Command and Control",
	"exfiltration":         "Effects/Data Exfiltration",
	"impact":               "Effects/Data Destruction",
}

// findingTypes places an issue in the taxonomy; there is at least one type.
func findingTypes(is *yagura.Issue) []string {
	if is.Kind == yagura.Posture {
		return []string{"Software and Configuration Checks/AWS Security Best Practices"}
	}
	var out []string
	seen := map[string]bool{}
	for _, tag := range is.Rule.Tags {
		tactic, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
		t := tactics[strings.ReplaceAll(tactic, "_", "-")]
		if ok && t != "" && !seen[t] && len(out) < maxTypes {
			out, seen[t] = append(out, t), true
		}
	}
	if out == nil {
		return []string{"Unusual Behaviors"}
	}
	return out
}

// productFields says what the format has no place for. resourcesLeft is how many entities
// the list of resources has no room for.
func (s *Sink) productFields(n *yagura.Notice, resourcesLeft int) map[string]string {
	is := n.Issue
	out := map[string]string{}
	add := func(key, value string) {
		if value = shown(value); value != "" {
			out[key] = cut(value, maxFieldValue)
		}
	}
	// These are ours and are read back; they are not masked.
	out[fieldIssue] = cut(clean(is.ID), maxFieldValue)
	out[fieldNotice] = cut(clean(n.ID), maxFieldValue)
	out[fieldSeq] = strconv.FormatInt(n.Seq, 10)
	out[fieldEpisode] = strconv.Itoa(is.Episode)
	add(Marker+"op", string(n.Op))
	add(Marker+"status", string(is.Status))
	add(Marker+"kind", string(is.Kind))
	add(Marker+"conclusion", string(is.Conclusion))
	add(Marker+"close_reason", string(is.CloseReason))
	add(Marker+"count", strconv.FormatUint(is.Count, 10))
	add(Marker+"cause_key", is.CauseKey)
	add(Marker+"account", is.Account)
	add(Marker+"account_name", is.AccountInfo.Name)
	add(Marker+"owner", is.AccountInfo.Owner)
	add(Marker+"environment", is.AccountInfo.Environment)
	add(Marker+"format", is.Format)
	add(Marker+"actor", cmp.Or(is.Actor.ID, is.Actor.Name))
	add(Marker+"assignee", is.Assignee)
	add(Marker+"labels", strings.Join(is.Labels, ", "))
	add(Marker+"umbrella", is.Umbrella)
	if f := is.Latest; f != nil {
		add(Marker+"finding", f.ID)
		add(Marker+"action", f.Event.Action)
		add(Marker+"src_ip", f.Event.SrcIP)
		add(Marker+"region", f.Event.Region)
		add(Marker+"event", f.Event.ID)
	}
	if e := n.Entry; e != nil {
		add(Marker+"entry", notify.EntryLine(e, notify.TextOptions{Lang: s.o.Lang}))
	}
	if resourcesLeft > 0 {
		add(Marker+"resources_cut", strconv.Itoa(resourcesLeft)+" more")
	}
	return out
}

// plausible keeps times out that the format cannot write.
func plausible(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 9999 }

// pageURL returns u when it is one that a browser opens.
func pageURL(u string) string {
	p, err := url.Parse(u)
	if err != nil || p.Host == "" || p.Scheme != "https" && p.Scheme != "http" || len(u) > maxURL || clean(u) != u {
		return ""
	}
	return u
}

// shown is a text of somebody else as it may be shown: masked, without control characters.
// It is "" when nothing visible is left.
func shown(s string) string { return clean(notify.Mask(bounded(s))) }

// bounded keeps the work of masking small. Whatever is written here is far shorter.
func bounded(s string) string {
	const most = 16 << 10
	if len(s) > most {
		s = s[:most]
	}
	return s
}

// clean writes out hidden characters and makes white space single spaces.
func clean(s string) string { return strings.Join(strings.Fields(notify.Visible(s)), " ") }

// cut shortens s to at most n bytes, visibly, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const sign = "…"
	end := n - len(sign)
	for end > 0 && s[end]&0xC0 == 0x80 {
		end--
	}
	return s[:end] + sign
}
