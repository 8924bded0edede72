package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a Kubernetes audit event (audit.k8s.io/v1 and v1beta1), as an
// API server writes it to its log, a webhook or CloudWatch Logs (EKS), and as a row of
// the tables AKSAudit and AKSAuditAdmin, whose columns are the same names capitalised.
const (
	kaKind = iota
	kaVersion
	kaAuditID
	kaStage
	kaStageTime
	kaRequestTime
	kaOldTime
	kaVerb
	kaURI
	kaUser
	kaResource
	kaSubresource
	kaNamespace
	kaName
	kaCode
	kaDecision
	// The fields below are read by the header only.
	kaImpersonated
	kaSourceIPs
	kaARN
	kaKeyID
	kaStatus
	kaMadeName
	kaOwner
	kaLogGroup
)

var kubernetesAudit = &Format{
	Name: "kubernetes.audit",
	Detail: shaped(detailList(false, "service=objectRef.apiGroup", "user_agent=userAgent", "error=responseStatus.code", "verb=verb", "namespace=objectRef.namespace", "resource=objectRef.resource",
		"subresource=objectRef.subresource", "name=objectRef.name", "uri=requestURI", "stage=stage", "decision=annotations.[authorization.k8s.io/decision]"), "error", failed),
	Fields: fieldList(true, []string{
		kaKind:         "kind",
		kaVersion:      "apiVersion",
		kaAuditID:      "auditID",
		kaStage:        "stage",
		kaStageTime:    "stageTimestamp|stageReceivedTime",
		kaRequestTime:  "requestReceivedTimestamp|requestReceivedTime",
		kaOldTime:      "timestamp|metadata.creationTimestamp",
		kaVerb:         "verb",
		kaURI:          "requestURI",
		kaUser:         "user.username",
		kaResource:     "objectRef.resource",
		kaSubresource:  "objectRef.subresource",
		kaNamespace:    "objectRef.namespace",
		kaName:         "objectRef.name",
		kaCode:         "responseStatus.code",
		kaDecision:     "annotations.[authorization.k8s.io/decision]",
		kaImpersonated: "impersonatedUser.username",
		kaSourceIPs:    "sourceIPs",
		kaARN:          "user.extra.arn|user.extra.canonicalArn",
		kaKeyID:        "user.extra.accessKeyId",
		kaStatus:       "responseStatus.status",
		kaMadeName:     "responseObject.metadata.name|requestObject.metadata.name",
		kaOwner:        "cloudwatch.owner",
		kaLogGroup:     "cloudwatch.logGroup",
	}),
	Hot:    kaImpersonated,
	Is:     isKubernetes,
	Key:    kubernetesKey,
	Time:   kubernetesTime,
	Header: kubernetesHeader,
}

func isKubernetes(r *Record) bool {
	if bytes.HasPrefix(r.scalar(kaVersion), []byte("audit.k8s.io/")) {
		return isAny(r.scalar(kaKind), "Event")
	}
	return r.has(kaAuditID) && r.has(kaVerb) && (r.has(kaURI) || r.has(kaStage))
}

func kubernetesTime(r *Record) int64 {
	for _, i := range [...]int{kaStageTime, kaRequestTime, kaOldTime} {
		if ns := nanos(r.scalar(i)); ns != 0 {
			return ns
		}
	}
	return 0
}

// kubernetesKey: audit id, stage and time. One request is logged at several stages
// under one id.
func kubernetesKey(r *Record) (yagura.Key, uint64, bool) {
	ns := kubernetesTime(r)
	content := contentHash(ns, r.scalar(kaUser), r.scalar(kaVerb), r.scalar(kaURI), r.either(kaCode, kaDecision))
	id := r.scalar(kaAuditID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("kubernetes.audit")
	k.part(id)
	k.part(r.scalar(kaStage))
	k.number(ns)
	return k.sum(), content, true
}

func kubernetesHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(kaAuditID)
	e.Time = timeOf(kubernetesTime(r))

	resource := r.str(kaResource)
	if sub := r.str(kaSubresource); resource != "" && sub != "" {
		resource += "/" + sub
	}
	uri := r.str(kaURI)
	if resource == "" { // "/healthz", "/api/v1?timeout=32s"
		resource, _, _ = strings.Cut(uri, "?")
	}
	e.Action = strings.TrimSpace(r.str(kaVerb) + " " + resource)

	var more []yagura.Entity
	if name := r.str(kaUser); name != "" {
		arn := r.str(kaARN) // EKS tells the IAM identity behind the user
		e.Actor = yagura.Actor{Type: kubernetesUser(name), ID: name, Name: name, SessionOf: arn}
		if arn != "" {
			more = append(more, yagura.Entity{Type: arnType(arn), ID: arn})
		}
	}
	more = append(more, yagura.Entity{Type: yagura.EntityKey, ID: r.str(kaKeyID)})
	e.Account = r.str(kaOwner) // of EKS, from the envelope of CloudWatch Logs
	if cluster := eksCluster(r.str(kaLogGroup)); cluster != "" {
		more = append(more, yagura.Entity{Type: yagura.EntityResource, ID: "cluster/" + cluster})
	}
	if as := r.str(kaImpersonated); as != "" {
		e.Targets = addEntity(e.Targets, kubernetesUser(as), as)
	}
	if kind := r.str(kaResource); kind != "" {
		id := kind
		if name := r.str(kaName, kaMadeName); name != "" {
			id += "/" + name
		}
		if namespace := r.str(kaNamespace); namespace != "" {
			id = namespace + "/" + id
		}
		e.Targets = addEntity(e.Targets, yagura.EntityResource, id)
	} else {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, resource)
	}
	addresses := r.texts(kaSourceIPs)
	if len(addresses) == 1 && strings.HasPrefix(addresses[0], "[") { // a column of a table, as text
		r.decode(kaSourceIPs, &addresses)
	}
	for _, ip := range addresses {
		if ip = address(ip); e.SrcIP == "" {
			e.SrcIP = ip
		}
		more = append(more, yagura.Entity{Type: yagura.EntityIP, ID: ip})
	}

	switch code := r.scalar(kaCode); {
	case isAny(r.scalar(kaDecision), "forbid"), len(code) == 3 && code[0] >= '4', isAny(r.scalar(kaStatus), "Failure"):
		e.Outcome = yagura.OutcomeFailure
	case len(code) == 3, isAny(r.scalar(kaStatus), "Success"):
		e.Outcome = yagura.OutcomeSuccess
	default: // the request was received and is not answered yet
		e.Outcome = yagura.OutcomeUnknown
	}
	finish(e, more...)
}

// kubernetesUser names the entity type of a user: service accounts, nodes and the
// control plane's own users are service principals, on AKS and EKS too.
func kubernetesUser(name string) string {
	switch {
	case name == "system:anonymous", name == "system:admin":
		return yagura.EntityUser
	case name == "aksService", strings.HasPrefix(name, "system:"), strings.HasPrefix(name, "eks:"), strings.HasPrefix(name, "aks:"):
		return yagura.EntityServicePrincipal
	}
	return yagura.EntityUser
}
