package ocsf

import (
	"cmp"
	"strings"
)

// configItem maps a resource's configuration as AWS Config records it: an inventory. What a
// rule of Config says of a resource is a Compliance Finding.
func (b *build) configItem() {
	r, e := b.r, b.e
	if status := r.str("newEvaluationResult.complianceType"); status != "" {
		b.configRule(status)
		return
	}
	if r.str("messageType") == "ComplianceChangeNotification" {
		b.configJudgement()
		return
	}
	if inner := r.any("configurationItem", "configurationItemSummary"); inner.n != 0 {
		r = inner
	}
	b.vendor, b.product, b.productVersion = "AWS", "AWS Config", r.str("version", "configurationItemVersion")
	b.meta.Set("original_time", r.str("configurationItemCaptureTime"))
	id := cmp.Or(r.str("ARN", "arn"), r.str("resourceId"))
	if id != "" {
		b.resources = []Object{Of("uid", id, "name", cmp.Or(r.str("resourceName"), lastName(id)), "type", r.str("resourceType"), "region", r.str("awsRegion"),
			"owner", ownerOf(r.str("awsAccountId", "accountId")), "data", data(r.get("configuration")))}
	}
	b.more.Set("region", cmp.Or(e.Region, r.str("awsRegion")))
	b.statusCode = r.str("configurationItemStatus")
	b.is(inventoryInfo, 1, "")
}

// configRule maps the judgement of a rule of AWS Config.
func (b *build) configRule(status string) {
	r := b.r
	b.vendor, b.product, b.productVersion = "AWS", "AWS Config", r.str("recordVersion")
	b.meta.Set("original_time", r.str("notificationCreationTime"))
	rule := r.str("configRuleName")
	f := finding{uid: strings.Trim(r.str("configRuleARN", "configRuleName")+"/"+r.str("resourceId"), "/"), title: rule, desc: r.str("newEvaluationResult.annotation"),
		analytic: cmp.Or(r.str("configRuleARN"), rule), analyticName: rule, modified: r.time("newEvaluationResult.resultRecordedTime"), severity: 3}
	if status == "COMPLIANT" {
		f.open = 4
	}
	if id := r.str("resourceId"); id != "" {
		b.resources = []Object{Of("uid", id, "name", lastName(id), "type", r.str("resourceType"), "region", r.str("awsRegion"), "owner", ownerOf(r.str("awsAccountId")))}
	}
	b.report(complianceFinding, f)
	b.compliance(status, rule, []string{cmp.Or(rule, "AWS Config")}, value{})
}

// asset maps a resource as Google's Asset Inventory has it.
func (b *build) asset() {
	r, e := b.r, b.e
	a := r
	if inner := r.get("asset"); inner.n != 0 {
		a = inner
	}
	b.vendor, b.product = "Google", "Cloud Asset Inventory"
	b.meta.Set("original_time", cmp.Or(a.str("updateTime"), r.str("window.startTime")))
	if name := a.str("name"); name != "" {
		b.resources = []Object{Of("uid", name, "name", lastName(name), "type", a.str("assetType"), "data", data(a.at("resource.data")))}
	}
	b.more.Set("region", e.Region)
	b.unmapped.Set("iamPolicy", data(a.get("iamPolicy")))
	b.unmapped.Set("deleted", r.flag("deleted"))
	b.is(inventoryInfo, 1, "")
}

// configJudgement maps the notification that a rule of AWS Config judges a resource otherwise
// than before.
func (b *build) configJudgement() {
	r, e := b.r, b.e
	b.vendor, b.product = "AWS", "AWS Config"
	rule, id, compliance := e.Action, r.str("resourceId"), r.str("newEvaluationResult.complianceType")
	open := 1
	if compliance != "NON_COMPLIANT" && compliance != "INSUFFICIENT_DATA" {
		open = 4
	}
	b.report(complianceFinding, finding{uid: strings.TrimSpace(cmp.Or(r.str("configRuleARN"), rule) + " " + r.str("resourceType") + " " + id), title: rule, desc: r.str("newEvaluationResult.annotation"),
		types: []string{"Config rule"}, modified: r.time("newEvaluationResult.resultRecordedTime"), analytic: rule, severity: 3, open: open})
	b.compliance(compliance, rule, []string{"AWS Config"}, r.get("none"))
	if id != "" {
		b.resources = []Object{Of("uid", id, "name", lastName(id), "type", r.str("resourceType"), "region", r.str("awsRegion"), "owner", ownerOf(r.str("awsAccountId")))}
	}
}
