package generate

import (
	"fmt"
	"time"
)

// app is an application that people sign in to.
type app struct{ name, id, resource, resourceID string }

var apps = []app{
	{"Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000"},
	{"Microsoft Teams", "1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams Services", "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"},
	{"SharePoint Online", "00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", "00000003-0000-0ff1-ce00-000000000000"},
	{"AWS IAM Identity Center", "6b1f3c52-7a0d-4e88-9f21-3c4d5e6f7a80", "AWS IAM Identity Center", "6b1f3c52-7a0d-4e88-9f21-3c4d5e6f7a80"},
	{"Kogarashi Backoffice", "9d2e4f61-8b1c-4a77-a532-1f0e9d8c7b6a", "Kogarashi Backoffice", "9d2e4f61-8b1c-4a77-a532-1f0e9d8c7b6a"},
}

// signIn is one sign-in to Entra ID.
type signIn struct {
	who     *person
	app     app
	from    string
	city    string // "" is Tokyo
	country string // "" is JP
	agent   string
	code    int // 0 is success
	reason  string
	detail  string // of the second factor
	single  bool
	risk    string // level; "" is none
	quiet   bool   // not by the person's own hand
}

// people is the Entra tenant: everybody signs in in the morning and after lunch, some mistype
// their passwords, and programs go on in their names.
func (g *gen) people() {
	busy := bustle(g.from)
	for i := range g.c.people {
		p := &g.c.people[i]
		for range g.some(0.5 * busy) {
			t := g.moment()
			s := signIn{who: p, app: one(g, apps), from: g.place(p, t), agent: agentBrowser}
			if i%7 == 3 {
				s.agent = agentMac
			}
			if i%5 == 1 && s.from == officeTokyo {
				s.from = officeSix
			}
			if g.chance(0.04) { // mistyped, and right the second time
				f := s
				f.code, f.reason = 50126, "Error validating credentials due to invalid username or password."
				g.signIn(t.Add(-20*time.Second), f)
			}
			if g.chance(0.02) { // the telephone was in the bag
				f := s
				f.code, f.reason, f.detail = 50074, "Strong Authentication is required.", "MFA required in Azure AD"
				g.signIn(t.Add(-40*time.Second), f)
			}
			g.signIn(t, s)
		}
		for range g.some(0.9 * busy) {
			t := g.moment()
			g.signIn(t, signIn{who: p, app: one(g, apps), from: g.place(p, t), agent: "Windows-AzureAD-Authentication-Provider/1.0", quiet: true})
		}
	}
	if busy > 0.3 && g.chance(0.3) { // the help desk
		g.directory(g.moment(), g.c.byName["hayashi.nao"], officeTokyo, "Update user", "UserManagement", list(g.target(one(g, g.c.team("sales", "support", "warehouse")), list(
			doc("displayName", "Department", "oldValue", `["sales"]`, "newValue", `["sales-west"]`), doc("displayName", "Included Updated Properties", "oldValue", null, "newValue", `"Department"`)))), "success")
	}
	for range g.some(14) { // a program of the company reads its users
		g.graph(g.moment(), "", "c7d8e9f0-1a2b-4c3d-8e4f-5a6b7c8d9e0f", "e1f20314-2536-4758-898a-9bacbdcedfe0", natProd, "GET", "/v1.0/users/"+g.c.people[g.IntN(len(g.c.people))].id, 200, "User.Read.All")
	}
}

// signIn writes one, as the diagnostic settings of Entra ID send it.
func (g *gen) signIn(t time.Time, s signIn) {
	city, country := s.city, s.country
	if country == "" {
		city, country = "Tokyo", "JP"
		if s.from == officeOsaka {
			city = "Osaka"
		}
	}
	category, interactive, requirement := "SignInLogs", true, "multiFactorAuthentication"
	if s.quiet {
		category, interactive = "NonInteractiveUserSignInLogs", false
	}
	if s.single {
		requirement = "singleFactorAuthentication"
	}
	risk, state := "none", "none"
	if s.risk != "" {
		risk, state = s.risk, "atRisk"
	}
	status := doc("errorCode", s.code, "additionalDetails", s.detail)
	if s.reason != "" {
		status = doc("errorCode", s.code, "failureReason", s.reason, "additionalDetails", s.detail)
	}
	id, correlation := g.uuid(), g.uuid()
	var description any
	if s.reason != "" {
		description = s.reason
	}
	access := "success"
	if s.code != 0 {
		access = "notApplied"
	}
	g.put(Entra, category, t, []byte(doc("time", ticks(t), "resourceId", "/tenants/"+Tenant+"/providers/Microsoft.aadiam", "operationName", "Sign-in activity", "operationVersion", "1.0", "category", category, "tenantId", Tenant,
		"resultType", fmt.Sprint(s.code), "resultSignature", "None", "resultDescription", description, "durationMs", 0, "callerIpAddress", s.from, "correlationId", correlation, "identity", s.who.display, "Level", 4, "location", country,
		"properties", doc("id", id, "createdDateTime", ticks(t), "userDisplayName", s.who.display, "userPrincipalName", s.who.mail(), "userId", s.who.id, "appId", s.app.id, "appDisplayName", s.app.name, "ipAddress", s.from, "status", status,
			"clientAppUsed", "Browser", "userAgent", s.agent, "deviceDetail", device(s), "location", doc("city", city, "state", city, "countryOrRegion", country, "geoCoordinates", doc()),
			"correlationId", correlation, "conditionalAccessStatus", access, "appliedConditionalAccessPolicies", list(), "authenticationContextClassReferences", list(), "originalRequestId", id, "isInteractive", interactive,
			"tokenIssuerName", "", "tokenIssuerType", "AzureAD", "authenticationProcessingDetails", list(), "networkLocationDetails", list(), "clientCredentialType", "none", "processingTimeInMilliseconds", 90+g.IntN(300),
			"riskDetail", "none", "riskLevelAggregated", risk, "riskLevelDuringSignIn", risk, "riskState", state, "riskEventTypes", list(), "riskEventTypes_v2", list(),
			"resourceDisplayName", s.app.resource, "resourceId", s.app.resourceID, "resourceTenantId", Tenant, "homeTenantId", Tenant, "authenticationDetails", list(), "authenticationRequirementPolicies", list(),
			"authenticationRequirement", requirement, "sessionLifetimePolicies", list(), "userType", "Member", "crossTenantAccessType", "none", "privateLinkDetails", doc(), "ssoExtensionVersion", "", "uniqueTokenIdentifier", g.hex(22)))))
}

func device(s signIn) raw {
	if s.country != "" {
		return doc("deviceId", "", "operatingSystem", "Linux", "browser", "Chrome 142.0.0")
	}
	os, browser := "Windows10", "Chrome 142.0.0"
	if s.agent == agentMac {
		os, browser = "MacOs", "Safari 18.6"
	}
	return doc("deviceId", pick("", "device"+s.who.name, hexDigits, 8)+"-0c1d-4e2f-8a3b-"+pick("", s.who.name, hexDigits, 12), "displayName", "KGR-"+pick("", s.who.name, upper, 6), "operatingSystem", os, "browser", browser, "isCompliant", true, "isManaged", true, "trustType", "Azure AD joined")
}

// target is a user to whom something was done.
func (g *gen) target(p *person, changed raw) raw {
	return doc("id", p.id, "displayName", p.display, "type", "User", "userPrincipalName", p.mail(), "modifiedProperties", changed, "administrativeUnits", list())
}

// directory is a record of the audit log of Entra ID. who nil is the application name itself.
func (g *gen) directory(t time.Time, who *person, from, action, category string, targets raw, result string) {
	id, correlation := "Directory_"+g.uuid()+"_"+g.hex(5), g.uuid()
	by := doc("user", doc("id", who.id, "displayName", who.display, "userPrincipalName", who.mail(), "ipAddress", from, "roles", list()))
	g.put(Entra, "AuditLogs", t, []byte(doc("time", ticks(t), "resourceId", "/tenants/"+Tenant+"/providers/Microsoft.aadiam", "operationName", action, "operationVersion", "1.0", "category", "AuditLogs", "tenantId", Tenant, "resultSignature", "None", "durationMs", 0,
		"callerIpAddress", from, "correlationId", correlation, "identity", who.display, "Level", 4,
		"properties", doc("id", id, "category", category, "correlationId", correlation, "result", result, "resultReason", "", "activityDisplayName", action, "activityDateTime", ticks(t), "loggedByService", "Core Directory", "operationType", "Update", "userAgent", null,
			"initiatedBy", by, "targetResources", targets, "additionalDetails", list(doc("key", "User-Agent", "value", agentBrowser))))))
}

// graph is a request to Microsoft Graph.
func (g *gen) graph(t time.Time, userID, appID, principal, from, method, path string, status int, roles string) {
	idtype, scopes := "app", any(nil)
	token := any(roles)
	var u any
	if userID != "" {
		idtype, u, scopes, token = "user", userID, roles, nil
	}
	request := g.uuid()
	g.put(Entra, "MicrosoftGraphActivityLogs", t, []byte(doc("time", ticks(t), "resourceId", "/TENANTS/"+Tenant+"/PROVIDERS/MICROSOFT.AADIAM", "operationName", "Microsoft Graph Activity", "operationVersion", "v1.0", "category", "MicrosoftGraphActivityLogs",
		"resultSignature", fmt.Sprint(status), "durationMs", fmt.Sprint(20000+g.IntN(200000)), "callerIpAddress", from, "correlationId", request, "level", "Informational", "location", "Japan East", "tenantId", Tenant,
		"properties", doc("timeGenerated", ticks(t), "location", "Japan East", "requestId", request, "operationId", request, "clientRequestId", g.uuid(), "apiVersion", "v1.0", "requestMethod", method, "responseStatusCode", status, "tenantId", Tenant, "durationMs", 20000+g.IntN(200000), "responseSizeBytes", 400+g.IntN(9000),
			"signInActivityId", g.hex(22), "roles", token, "scopes", scopes, "appId", appID, "UserPrincipalObjectID", u, "servicePrincipalId", servicePrincipal(principal), "ipAddress", from, "userAgent", "python-httpx/0.28.1", "requestUri", "https://graph.microsoft.com"+path, "tokenIssuedAt", ticks(t.Add(-10*time.Minute)), "identityProvider", "https://sts.windows.net/"+Tenant+"/",
			"userId", u, "clientAuthMethod", 1, "wids", list(), "idtyp", idtype))))
}

func servicePrincipal(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// office is Microsoft 365: mail that is read, files that are opened.
func (g *gen) office() {
	busy := bustle(g.from)
	for i := range g.c.people {
		p := &g.c.people[i]
		for range g.some(2.4 * busy) {
			t := g.moment()
			from := g.place(p, t)
			if g.chance(0.5) {
				g.mail(t, p, from, "MailItemsAccessed", "MailboxGuid", g.uuid())
				continue
			}
			file := one(g, []string{"発注一覧.xlsx", "在庫表_2026.xlsx", "議事録.docx", "price-list.xlsx", "シフト表.xlsx", "campaign-draft.pptx"})
			g.file(t, p, from, one(g, []string{"FileAccessed", "FileAccessed", "FileModified", "FileDownloaded"}), one(g, []string{"sales", "shop", "general"}), file)
		}
	}
}

// mail is a record of Exchange Online with one further member.
func (g *gen) mail(t time.Time, p *person, from, action, key string, v any) {
	kind := 2
	if action == "New-InboxRule" || action == "Set-Mailbox" {
		kind = 1
	}
	g.put(M365, "Audit.Exchange", t, []byte(doc("CreationTime", t.UTC().Format("2006-01-02T15:04:05"), "Id", g.uuid(), "Operation", action, "OrganizationId", Tenant, "RecordType", kind, "ResultStatus", map[int]string{1: "True", 2: "Succeeded"}[kind], "UserKey", p.puid, "UserType", 0, "Version", 1, "Workload", "Exchange",
		"ClientIP", from, "UserId", p.mail(), "AppId", "00000002-0000-0ff1-ce00-000000000000", "ClientIPAddress", from, "ClientInfoString", "Client=OWA;Action=ViaProxy", "ExternalAccess", false, "InternalLogonType", 0, "LogonType", 0, "MailboxOwnerUPN", p.mail(), "OrganizationName", domain, key, v)))
}

// file is a record of SharePoint Online.
func (g *gen) file(t time.Time, p *person, from, action, site, name string) {
	url := "https://kogarashi.sharepoint.example/sites/" + site + "/Shared Documents/"
	g.put(M365, "Audit.SharePoint", t, []byte(doc("CreationTime", t.UTC().Format("2006-01-02T15:04:05"), "Id", g.uuid(), "Operation", action, "OrganizationId", Tenant, "RecordType", 6, "UserKey", "i:0h.f|membership|"+p.puid+"@live.com", "UserType", 0, "Version", 1, "Workload", "SharePoint", "ClientIP", from, "UserId", p.mail(),
		"AuthenticationType", "OAuth", "BrowserName", "Chrome", "CorrelationId", g.uuid(), "EventSource", "SharePoint", "IsManagedDevice", true, "ItemType", "File", "ListItemUniqueId", g.uuid(), "Site", pick("", site, hexDigits, 8)+"-aaaa-4bbb-8ccc-000000000001", "UserAgent", agentBrowser,
		"SourceFileExtension", name[len(name)-4:], "SiteUrl", "https://kogarashi.sharepoint.example/sites/"+site+"/", "SourceFileName", name, "SourceRelativeUrl", "Shared Documents", "ObjectId", url+name)))
}
