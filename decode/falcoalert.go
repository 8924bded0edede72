package decode

import (
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// Header fields of an alert of Falco, as its http_output, file_output or stdout_output write
// it and as falcosidekick forwards it.
const (
	faRule = iota
	faPriority
	faTime
	faOutput
	faFields
	faUUID
	faHost
	// The fields below are read by the header only.
	faSource
	faTags
	faNode
	faContainer
	faImage
	faNamespace
	faPod
	faUser
	faUserARN
	faProcess
	faAccount
	faUserAccount
	faRegion
	faIP
	faCloudUser
)

var falcoAlert = &Format{
	Name: "falco.alert",
	Fields: fieldList(false, []string{
		faRule:        "rule",
		faPriority:    "priority",
		faTime:        "time",
		faOutput:      "output",
		faFields:      "output_fields",
		faUUID:        "uuid",
		faHost:        "hostname",
		faSource:      "source",
		faTags:        "tags",
		faNode:        "output_fields.[k8s.node.name]|output_fields.[evt.hostname]",
		faContainer:   "output_fields.[container.id]",
		faImage:       "output_fields.[container.image.repository]",
		faNamespace:   "output_fields.[k8s.ns.name]|output_fields.[ka.target.namespace]",
		faPod:         "output_fields.[k8s.pod.name]|output_fields.[ka.target.name]",
		faUser:        "output_fields.[user.name]|output_fields.[ka.user.name]",
		faUserARN:     "output_fields.[ct.user.arn]",
		faProcess:     "output_fields.[proc.name]",
		faAccount:     "output_fields.[ct.recipientaccountid]",
		faUserAccount: "output_fields.[ct.user.accountid]|output_fields.[aws.accountID]",
		faRegion:      "output_fields.[ct.region]|output_fields.[aws.region]",
		faIP:          "output_fields.[ct.srcip]|output_fields.[fd.cip]|output_fields.[ka.sourceips]|output_fields.[okta.client.ip]",
		faCloudUser:   "output_fields.[ct.user]|output_fields.[gcp.user]|output_fields.[okta.actor.id]|output_fields.[github.user]",
	}),
	Hot:    faSource,
	Is:     isFalco,
	Key:    falcoKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(faTime)) },
	Header: falcoHeader,
	Alert:  falcoAlertOf,
	Says:   []int{faRule},
}

// isFalco: a rule's name, one of the eight priorities and a time, with fields or a text.
func isFalco(r *Record) bool {
	return r.kind(faRule) == slot.String && r.has(faRule) && falcoSeverity(r.scalar(faPriority)) != 0 && r.has(faTime) &&
		(r.kind(faFields) == slot.Object || r.kind(faOutput) == slot.String)
}

func falcoSeverity(word []byte) yagura.Severity {
	switch {
	case isAny(word, "debug", "informational", "info"):
		return yagura.SeverityNone
	case isAny(word, "notice"):
		return yagura.SeverityLow
	case isAny(word, "warning"):
		return yagura.SeverityMedium
	case isAny(word, "error"):
		return yagura.SeverityHigh
	case isAny(word, "critical", "alert", "emergency"):
		return yagura.SeverityCritical
	}
	return 0
}

// falcoKey: uuid, which falcosidekick gives. Falco itself gives none.
func falcoKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(nanos(r.scalar(faTime)), r.scalar(faHost), r.scalar(faRule), r.scalar(faOutput), r.scalar(faPriority))
	id := r.scalar(faUUID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("falco.alert")
	k.part(id)
	return k.sum(), content, true
}

func falcoHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(faUUID)
	e.Time = timeOf(nanos(r.scalar(faTime)))
	e.Account = falcoWord(r, faAccount, faUserAccount)
	e.Region = falcoWord(r, faRegion)
	e.Action = r.str(faRule)
	if id := falcoWord(r, faUserARN, faCloudUser, faUser); id != "" {
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: falcoWord(r, faCloudUser, faUser)}
		if strings.HasPrefix(id, "arn:") {
			e.Actor.Type = arnType(id)
		}
	}
	if id := container(r); id != "" {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, "container/"+id)
	}
	if pod := falcoWord(r, faPod); pod != "" {
		if ns := falcoWord(r, faNamespace); ns != "" {
			pod = ns + "/" + pod
		}
		e.Targets = addEntity(e.Targets, yagura.EntityResource, pod)
	}
	e.Targets = addEntity(e.Targets, yagura.EntityHost, falcoHost(r))
	e.SrcIP = firstAddress(r, faIP)
	finish(e, yagura.Entity{Type: yagura.EntityResource, ID: falcoWord(r, faImage)})
}

// falcoWord is the first text of the fields that says something.
func falcoWord(r *Record, fields ...int) string {
	for _, i := range fields {
		if s := known(r.str(i)); s != "" {
			return s
		}
	}
	return ""
}

// known is "" for what Falco writes where it knows nothing.
func known(s string) string {
	if s == "<NA>" || s == "N/A" {
		return ""
	}
	return s
}

// container is the id of the container, "" on the host itself.
func container(r *Record) string {
	if id := falcoWord(r, faContainer); id != "host" {
		return id
	}
	return ""
}

func falcoHost(r *Record) string {
	return falcoWord(r, faHost, faNode)
}

// falcoAlertOf: an alert of Falco has no name of its own, so the thing is the rule with the
// place and the user. A pod is told by its name rather than by the id of its container,
// which a restart changes.
func falcoAlertOf(r *Record) (Alert, bool) {
	a := Alert{Scope: "falco.alert", Family: "falco", Rule: r.str(faRule), Title: r.str(faRule), Text: r.str(faOutput), Original: r.str(faPriority), Severity: falcoSeverity(r.scalar(faPriority))}
	var parts []string
	add := func(name, value string) {
		if value = known(value); strings.ContainsAny(value, " =\"") {
			value = strconv.Quote(value) // so that no value can pass for two
		}
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	add("rule", a.Rule)
	if src := r.str(faSource); src != "syscall" {
		add("source", src)
	}
	if pod := falcoWord(r, faPod); pod != "" {
		add("namespace", r.str(faNamespace))
		add("pod", pod)
	} else {
		add("host", falcoHost(r))
		add("container", container(r))
	}
	add("user", falcoWord(r, faUserARN, faCloudUser, faUser))
	a.Key = strings.Join(parts, " ")
	for v := r.Doc.First(r.slots[faTags]); v >= 0 && len(a.Tags) < 20; v = r.Doc.Next(v) {
		if r.Doc.Kind(v) == slot.String {
			if tag := attackTag(r.Doc.Text(v)); tag != "" {
				a.Tags = append(a.Tags, tag)
			}
		}
	}
	return a, true
}
