package generate

import (
	"fmt"
	"time"
)

// The application that the second story turns to its use: it may read all mailboxes, because
// a backup of them is made with it.
const (
	backupApp       = "c7d8e9f0-1a2b-4c3d-8e4f-5a6b7c8d9e10"
	backupPrincipal = "e1f20314-2536-4758-898a-9bacbdcedff1"
	lureApp         = "b4c5d6e7-f809-4a1b-9c2d-3e4f50617283"
)

// stolenMailbox is the second story: passwords are sprayed, one is right, its owner is asked
// until they agree, mail is hidden, an application gets a credential, all mailboxes are read.
// It goes on until the end of the week, and nobody has closed it.
func (s *teller) stolenMailbox() {
	w, c := s.w, s.c
	victim := c.byName["kimura.takumi"]
	mail := apps[0]
	// Two days ago: the spray.
	t := w.ago(52 * hour)
	for round := range 3 {
		for i := range c.people {
			p := &c.people[i]
			if p == victim && round == 2 {
				continue // it was guessed
			}
			at := t.Add(time.Duration(round*25)*time.Minute + time.Duration(i*13)*time.Second)
			sign := signIn{who: p, app: mail, from: sprayFrom, city: "Amsterdam", country: "NL", agent: "python-requests/2.32.5", single: true, code: 50126, reason: "Error validating credentials due to invalid username or password."}
			if round == 2 && i%9 == 4 {
				sign.code, sign.reason = 50053, "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."
			}
			s.signIn(at, sign)
		}
	}
	t = t.Add(80 * time.Minute)
	for i := range 9 {
		s.signIn(t.Add(time.Duration(i*25)*time.Second), signIn{who: victim, app: mail, from: sprayFrom, city: "Amsterdam", country: "NL", agent: "python-requests/2.32.5", single: true, code: 50126, reason: "Error validating credentials due to invalid username or password."})
	}
	s.signIn(t.Add(5*time.Minute), signIn{who: victim, app: mail, from: sprayFrom, city: "Amsterdam", country: "NL", agent: "python-requests/2.32.5", code: 50074, reason: "Strong Authentication is required.", detail: "MFA required in Azure AD"})
	// A night later: the telephone rings until somebody presses yes.
	t = w.ago(29 * hour)
	for i := range 8 {
		s.signIn(t.Add(time.Duration(i*70)*time.Second), signIn{who: victim, app: mail, from: mailFrom, city: "Amsterdam", country: "NL", agent: agentBrowser, code: 500121, reason: "Authentication failed during strong authentication request.", detail: one(s.gen, []string{"MFA denied; user declined the authentication", "MFA denied; user did not respond to mobile app notification"})})
	}
	s.signIn(t.Add(11*time.Minute), signIn{who: victim, app: mail, from: mailFrom, city: "Amsterdam", country: "NL", agent: agentBrowser, detail: "MFA requirement satisfied by claim in the token", risk: "high"})
	s.risk(t.Add(14*time.Minute), victim, "unfamiliarFeatures", mailFrom)
	s.mail(t.Add(30*time.Minute), victim, mailFrom, "New-InboxRule", "Parameters", list(doc("Name", "Name", "Value", "."), doc("Name", "SubjectOrBodyContainsWords", "Value", "security;alert;不審;サインイン;請求書"), doc("Name", "MarkAsRead", "Value", "True"), doc("Name", "MoveToFolder", "Value", "RSS Feeds"), doc("Name", "StopProcessingRules", "Value", "True")))
	for i := range 40 {
		s.mail(t.Add(35*time.Minute).Add(time.Duration(i*20)*time.Second), victim, mailFrom, "MailItemsAccessed", "MailboxGuid", s.uuid())
	}
	s.directory(t.Add(50*time.Minute), victim, mailFrom, "Consent to application", "ApplicationManagement", list(doc("id", lureApp, "displayName", "Calendar Sync Helper", "type", "ServicePrincipal", "modifiedProperties", list(
		doc("displayName", "ConsentContext.IsAdminConsent", "oldValue", null, "newValue", `"False"`), doc("displayName", "ConsentContext.OnBehalfOfAll", "oldValue", null, "newValue", `"False"`),
		doc("displayName", "ConsentAction.Permissions", "oldValue", null, "newValue", `"[] => [[Id: c1, ClientId: `+lureApp+`, PrincipalId: `+victim.id+`, ResourceId: 00000003-0000-0000-c000-000000000000, ConsentType: Principal, Scope: Mail.ReadWrite Files.Read.All offline_access User.Read, CreatedDateTime: , LastModifiedDateTime ]]; "`)), "administrativeUnits", list())), "success")
	// Today: the application that makes the backup of mailboxes gets one more credential.
	t = w.ago(5 * hour)
	s.signIn(t.Add(-10*time.Minute), signIn{who: victim, app: app{"Azure Portal", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Windows Azure Service Management API", "797f4846-ba00-4fd7-ba43-dac1f8f63013"}, from: mailFrom, city: "Amsterdam", country: "NL", agent: agentBrowser, risk: "medium"})
	s.directory(t, victim, mailFrom, "Update application – Certificates and secrets management ", "ApplicationManagement", list(doc("id", backupApp, "displayName", "Mailbox Backup", "type", "Application", "modifiedProperties", list(
		doc("displayName", "KeyDescription", "oldValue", `["[KeyIdentifier=5d0c2f11-8a3b-4d6e-9c7f-0a1b2c3d4e5f,KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=backup]"]`, "newValue", `["[KeyIdentifier=5d0c2f11-8a3b-4d6e-9c7f-0a1b2c3d4e5f,KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=backup]","[KeyIdentifier=9e8d7c6b-5a49-4382-a716-0f1e2d3c4b5a,KeyType=Password,KeyUsage=Verify,DisplayName=tmp]"]`),
		doc("displayName", "Included Updated Properties", "oldValue", null, "newValue", `"KeyDescription"`)), "administrativeUnits", list())), "success")
	s.robotSignIn(t.Add(40*time.Minute), "Mailbox Backup", backupApp, backupPrincipal, mailFrom)
	for i := range c.people {
		s.graph(t.Add(50*time.Minute).Add(time.Duration(i*35)*time.Second), "", backupApp, backupPrincipal, mailFrom, "GET", "/v1.0/users/"+c.people[i].mail()+"/messages?$top=100", 200, "Mail.Read")
	}
	for i := range 26 {
		s.graph(w.ago(90*time.Minute).Add(time.Duration(i*40)*time.Second), "", backupApp, backupPrincipal, mailFrom, "GET", fmt.Sprintf("/v1.0/users/%s/messages?$search=%%22invoice%%22", c.people[i].mail()), 200, "Mail.Read")
	}
}

// risk is a detection of ID Protection.
func (s *teller) risk(t time.Time, p *person, kind, from string) {
	id, correlation := s.uuid(), s.uuid()
	s.put(Entra, "UserRiskEvents", t, []byte(doc("time", ticks(t), "resourceId", "/tenants/"+Tenant+"/providers/Microsoft.aadiam", "operationName", "User Risk Detection", "operationVersion", "1.0", "category", "UserRiskEvents", "tenantId", Tenant, "resultSignature", "None", "durationMs", 0, "callerIpAddress", from, "correlationId", correlation, "identity", p.display, "Level", 4, "location", "nl",
		"properties", doc("id", id, "requestId", s.uuid(), "correlationId", correlation, "riskType", kind, "riskEventType", kind, "riskState", "atRisk", "riskLevel", "high", "riskDetail", "none", "source", "IdentityProtection", "detectionTimingType", "realtime", "activity", "signin", "ipAddress", from,
			"location", doc("city", "Amsterdam", "state", "Noord-Holland", "countryOrRegion", "NL"), "activityDateTime", ticks(t.Add(-3*time.Minute)), "detectedDateTime", ticks(t), "lastUpdatedDateTime", ticks(t), "userId", p.id, "userDisplayName", p.display, "userPrincipalName", p.mail(), "additionalInfo", "[]", "tokenIssuerType", "AzureAD"))))
}

// robotSignIn is a sign-in of a service principal.
func (g *gen) robotSignIn(t time.Time, name, app, principal, from string) {
	correlation := g.uuid()
	g.put(Entra, "ServicePrincipalSignInLogs", t, []byte(doc("time", ticks(t), "resourceId", "/tenants/"+Tenant+"/providers/Microsoft.aadiam", "operationName", "Sign-in activity", "operationVersion", "1.0", "category", "ServicePrincipalSignInLogs", "tenantId", Tenant, "resultType", "0", "resultSignature", "None", "durationMs", 0, "callerIpAddress", from, "correlationId", correlation, "Level", 4, "location", "NL",
		"properties", doc("id", g.uuid(), "createdDateTime", ticks(t), "userDisplayName", "", "userPrincipalName", "", "userId", "", "appId", app, "appDisplayName", name, "ipAddress", from, "status", doc("errorCode", 0), "correlationId", correlation, "conditionalAccessStatus", "notApplied", "isInteractive", false, "servicePrincipalId", principal, "servicePrincipalName", name, "servicePrincipalCredentialKeyId", "9e8d7c6b-5a49-4382-a716-0f1e2d3c4b5a", "resourceDisplayName", "Microsoft Graph", "resourceId", "00000003-0000-0000-c000-000000000000", "resourceTenantId", Tenant, "homeTenantId", Tenant))))
}
