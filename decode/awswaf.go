package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of the log of AWS WAF, and of the table AWSWAF, whose columns are the same
// names capitalised.
const (
	wfACL = iota
	wfRequestID
	wfTime
	wfAction
	wfFormat
	wfRule
	wfSource
	wfIP
	wfURI
	// The fields below are read by the header only.
	wfSourceName
	wfHeaders
	wfHost
)

var awsWAF = &Format{
	Name:   "aws.waf",
	Detail: detailList(false, "web_acl=webaclId", "rule=terminatingRuleId", "country=httpRequest.country", "uri=httpRequest.uri", "method=httpRequest.httpMethod", "host=httpRequest.host"),
	Fields: fieldList(true, []string{
		wfACL:        "webaclId",
		wfRequestID:  "httpRequest.requestId|requestId",
		wfTime:       "timestamp|TimeGenerated",
		wfAction:     "action",
		wfFormat:     "formatVersion",
		wfRule:       "terminatingRuleId",
		wfSource:     "httpSourceId",
		wfIP:         "httpRequest.clientIp|clientIp",
		wfURI:        "httpRequest.uri|uri",
		wfSourceName: "httpSourceName",
		wfHeaders:    "httpRequest.headers|headers",
		wfHost:       "httpRequest.host",
	}),
	Hot:    wfSourceName,
	Is:     isAWSWAF,
	Key:    awsWAFKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(wfTime)) },
	Header: awsWAFHeader,
}

// isAWSWAF: the web ACL with the rule that ended the matter and what came of it.
func isAWSWAF(r *Record) bool {
	return r.has(wfACL) && r.has(wfAction) && r.has(wfRule) && (r.has(wfIP) || r.has(wfRequestID) || r.has(wfFormat))
}

// awsWAFKey: requestId, time in milliseconds, web ACL and httpSourceId. A client may choose
// the id of a request to a load balancer: the content tells such requests apart.
func awsWAFKey(r *Record) (yagura.Key, uint64, bool) {
	at, id := nanos(r.scalar(wfTime)), said(r.scalar(wfRequestID))
	content := contentHash(at, r.scalar(wfIP), r.scalar(wfAction), r.scalar(wfURI), r.scalar(wfRule))
	if id == nil || at == 0 {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("aws.waf")
	k.part(id)
	k.number(at / 1e6)
	k.part(r.scalar(wfACL))
	k.part(r.scalar(wfSource))
	return k.sum(), content, true
}

// said is nil for the words that stand where nothing is known.
func said(text []byte) []byte {
	if isAny(text, "-", "null") {
		return nil
	}
	return text
}

func awsWAFHeader(r *Record, e *yagura.Event) {
	e.ID = string(said(r.scalar(wfRequestID)))
	e.Time = timeOf(nanos(r.scalar(wfTime)))
	e.Action = r.str(wfAction)
	acl, source := r.str(wfACL), string(said(r.scalar(wfSource)))
	e.Account, e.Region = arnAccount(acl), arnRegion(acl)
	if e.Account == "" { // "111122223333-app/name/id", "111122223333:api:stage"
		if i := strings.IndexAny(source, "-:"); i == 12 {
			if _, ok := digits([]byte(source), 12); ok {
				e.Account = source[:12]
			}
		}
	}
	switch a := r.scalar(wfAction); {
	case isAny(a, "ALLOW", "COUNT"):
		e.Outcome = yagura.OutcomeSuccess
	case isAny(a, "BLOCK", "CAPTCHA", "CHALLENGE"):
		e.Outcome = yagura.OutcomeFailure
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, source)
	e.Targets = addEntity(e.Targets, yagura.EntityResource, acl)
	e.SrcIP = firstAddress(r, wfIP)
	host := r.str(wfHost)
	if host == "" {
		var headers []struct{ Name, Value looseText }
		r.decode(wfHeaders, &headers)
		for _, h := range headers {
			if strings.EqualFold(string(h.Name), "host") {
				host = string(h.Value)
				break
			}
		}
	}
	finish(e, hostEntity(host))
}

// hostEntity is the name that a client asked for, without its port.
func hostEntity(host string) yagura.Entity {
	if ip := address(host); ip != "" {
		return yagura.Entity{Type: yagura.EntityIP, ID: ip}
	}
	if i := strings.LastIndexByte(host, ':'); i > 0 {
		host = host[:i]
	}
	if len(host) > 253 || bytes.ContainsAny([]byte(host), " \t\r\n/\"'<>") {
		host = ""
	}
	return yagura.Entity{Type: yagura.EntityDomain, ID: strings.TrimSuffix(strings.ToLower(host), ".")}
}
