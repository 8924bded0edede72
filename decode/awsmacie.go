package decode

import (
	"github.com/yagura-sec/yagura"
)

// Header fields of a finding of Amazon Macie: as EventBridge carries it, and as the API
// answers.
const (
	mcID = iota
	mcType
	mcCategory
	mcAccount
	mcUpdated
	mcCreated
	mcArchived
	mcBucketARN
	mcBucket
	mcCount
	// The fields below are read by the header only.
	mcRegion
	mcTitle
	mcText
	mcSeverity
	mcScore
	mcObject
	mcActorType
	mcActorARN
	mcActorName
	mcActorAccount
	mcIssuer
	mcKey
	mcIP
	mcDomain
	mcSample
)

var awsMacie = &Format{
	Name: "aws.macie",
	Fields: fieldList(false, []string{
		mcID:        "id",
		mcType:      "type",
		mcCategory:  "category",
		mcAccount:   "accountId",
		mcUpdated:   "updatedAt",
		mcCreated:   "createdAt",
		mcArchived:  "archived",
		mcBucketARN: "resourcesAffected.s3Bucket.arn",
		mcBucket:    "resourcesAffected.s3Bucket.name",
		mcCount:     "count",
		mcRegion:    "region",
		mcTitle:     "title",
		mcText:      "description",
		mcSeverity:  "severity.description",
		mcScore:     "severity.score",
		mcObject:    "resourcesAffected.s3Object.path",
		mcActorType: "policyDetails.actor.userIdentity.type",
		mcActorARN: "policyDetails.actor.userIdentity.assumedRole.arn|policyDetails.actor.userIdentity.iamUser.arn|" +
			"policyDetails.actor.userIdentity.federatedUser.arn|policyDetails.actor.userIdentity.root.arn|policyDetails.actor.userIdentity.awsService.invokedBy",
		mcActorName:    "policyDetails.actor.userIdentity.iamUser.userName",
		mcActorAccount: "policyDetails.actor.userIdentity.awsAccount.accountId",
		mcIssuer: "policyDetails.actor.userIdentity.assumedRole.sessionContext.sessionIssuer.arn|" +
			"policyDetails.actor.userIdentity.federatedUser.sessionContext.sessionIssuer.arn",
		mcKey:    "policyDetails.actor.userIdentity.assumedRole.accessKeyId|policyDetails.actor.userIdentity.federatedUser.accessKeyId",
		mcIP:     "policyDetails.actor.ipAddressDetails.ipAddressV4",
		mcDomain: "policyDetails.actor.domainDetails.domainName",
		mcSample: "sample",
	}),
	Hot:    mcRegion,
	Is:     isAWSMacie,
	Key:    awsMacieKey,
	Time:   awsMacieTime,
	Header: awsMacieHeader,
	Alert:  awsMacieAlert,
	Says:   []int{mcType, mcTitle},
}

// isAWSMacie: an id and a type with one of the two categories, on a bucket.
func isAWSMacie(r *Record) bool {
	return r.has(mcID) && r.has(mcType) && isAny(r.scalar(mcCategory), "CLASSIFICATION", "POLICY") && (r.has(mcBucket) || r.has(mcBucketARN))
}

func awsMacieTime(r *Record) int64 {
	if ns := nanos(r.scalar(mcUpdated)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(mcCreated))
}

// awsMacieKey: id, accountId, time of the update in milliseconds, archived.
func awsMacieKey(r *Record) (yagura.Key, uint64, bool) {
	at := awsMacieTime(r)
	var k keyer
	k.start("aws.macie")
	k.part(r.scalar(mcID))
	k.part(r.scalar(mcAccount))
	k.number(at / 1e6)
	k.part(truth(r.scalar(mcArchived)))
	return k.sum(), contentHash(at, r.scalar(mcAccount), r.scalar(mcType), r.either(mcBucketARN, mcBucket), r.scalar(mcCount)), true
}

func awsMacieHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(mcID)
	e.Time = timeOf(awsMacieTime(r))
	e.Account = r.str(mcAccount)
	e.Region = r.str(mcRegion)
	e.Action = r.str(mcType)
	switch arn, account := r.str(mcActorARN), r.str(mcActorAccount); {
	case isAny(r.scalar(mcActorType), "AWSService"):
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: arn, Name: arn}
	case arn != "":
		e.Actor = yagura.Actor{Type: arnType(arn), ID: arn, Name: r.str(mcActorName), SessionOf: r.str(mcIssuer)}
		if e.Actor.Name == "" {
			e.Actor.Name = lastPart(arn)
		}
	case account != "":
		e.Actor = yagura.Actor{Type: yagura.EntityAccount, ID: account}
	}
	if e.Actor.ID == "" {
		e.Actor = yagura.Actor{}
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(mcBucketARN, mcBucket))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(mcObject))
	e.SrcIP = firstAddress(r, mcIP)
	issuer := r.str(mcIssuer)
	finish(e, yagura.Entity{Type: arnType(issuer), ID: issuer}, yagura.Entity{Type: yagura.EntityKey, ID: r.str(mcKey)},
		yagura.Entity{Type: yagura.EntityDomain, ID: r.str(mcDomain)})
}

// scopeMacie is the scope of alerts that Macie named, whoever brings them.
const scopeMacie = "aws.macie"

func awsMacieAlert(r *Record) (Alert, bool) {
	a := Alert{Family: "macie", Scope: scopeMacie, Rule: r.str(mcType), Key: r.str(mcID), Title: r.str(mcTitle), Text: r.str(mcText),
		Original: r.str(mcSeverity, mcScore), Posture: isAny(r.scalar(mcCategory), "POLICY"), Severity: severityWord(r.scalar(mcSeverity))}
	if a.Title == "" {
		a.Title = a.Rule
	}
	if a.Severity == 0 {
		switch n, ok := decimal(r.scalar(mcScore)); {
		case !ok || n == 2:
			a.Severity = yagura.SeverityMedium
		case n > 2:
			a.Severity = yagura.SeverityHigh
		default:
			a.Severity = yagura.SeverityLow
		}
	}
	if isAny(r.scalar(mcSample), "true") {
		a.Severity, a.State = yagura.SeverityNone, "a sample"
	}
	if a.Resolved = isAny(r.scalar(mcArchived), "true"); a.Resolved {
		a.State = "archived"
	}
	return a, true
}
