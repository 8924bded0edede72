package decode

import (
	"bytes"

	"github.com/yagura-sec/yagura"
)

// Header fields of the Entra ID sign-in logs, in the same three shapes as those of
// the audit log: Event Hub, the Log Analytics tables SigninLogs and
// AAD…SignInLogs (also as the portal exports them, with "_dynamic", "_string" and
// " [UTC]" behind the column names), and Microsoft Graph's signIn.
const (
	esCategory = iota
	esTable
	esOperation
	esRiskEvent
	esCreated
	esTime
	esID
	esUserID
	esUserUPN
	esPrincipalID
	esInteractive
	esEventTypes
	esAppID
	esResourceApp
	esResultType
	esErrorCode
	esCondAccess
	esClientApp
	esStep
	esProperties
	esResource
	// The fields below are read by the header only.
	esUserName
	esPrincipalName
	esManagedIdentity
	esAppName
	esIdentifier
	esIdentity
	esResourceName
	esCallerIP
	esIP
	esAADTenant
	esTenant
	esHomeTenant
	esDevice
	esDeviceName
	esSession
)

var entraSignIn = &Format{
	Name: "entra.signin",
	Detail: shaped(detailList(true, "service=properties.resourceDisplayName|resourceDisplayName", "user_agent=properties.userAgent|userAgent",
		"error=properties.status.errorCode|status.errorCode|status_dynamic.errorCode|status_string.errorCode|resultType", "category=category|type",
		"app_id=properties.appId|appId", "app_name=properties.appDisplayName|appDisplayName", "client_app=properties.clientAppUsed|clientAppUsed",
		"country=properties.location.countryOrRegion|location.countryOrRegion|locationDetails.countryOrRegion|location",
		"conditional_access=properties.conditionalAccessStatus|conditionalAccessStatus", "risk_level=properties.riskLevelDuringSignIn|riskLevelDuringSignIn",
		"correlation_id=properties.correlationId|correlationId"), "error", notZero),
	Fields: fieldList(true, []string{
		esCategory:        "category",
		esTable:           "type",
		esOperation:       "operationName",
		esRiskEvent:       "properties.riskEventType|riskEventType",
		esCreated:         "properties.createdDateTime|createdDateTime|createdDateTime [UTC]",
		esTime:            "time|timeGenerated|timeGenerated [UTC]",
		esID:              "properties.id|id",
		esUserID:          "properties.userId|userId",
		esUserUPN:         "properties.userPrincipalName|userPrincipalName",
		esPrincipalID:     "properties.servicePrincipalId|servicePrincipalId",
		esInteractive:     "properties.isInteractive|isInteractive",
		esEventTypes:      "properties.signInEventTypes|signInEventTypes",
		esAppID:           "properties.appId|appId",
		esResourceApp:     "properties.resourceId|resourceIdentity",
		esResultType:      "resultType",
		esErrorCode:       "properties.status.errorCode|status.errorCode|status_dynamic.errorCode|status_string.errorCode",
		esCondAccess:      "properties.conditionalAccessStatus|conditionalAccessStatus",
		esClientApp:       "properties.clientAppUsed|clientAppUsed",
		esStep:            "properties.authenticationDetails.authenticationStepDateTime|authenticationDetails.authenticationStepDateTime",
		esProperties:      "properties",
		esUserName:        "properties.userDisplayName|userDisplayName",
		esPrincipalName:   "properties.servicePrincipalName|servicePrincipalName",
		esManagedIdentity: "properties.managedIdentityType|managedIdentityType|properties.managedServiceIdentity.msiType|managedServiceIdentity.msiType",
		esAppName:         "properties.appDisplayName|appDisplayName",
		esIdentifier:      "properties.signInIdentifier|signInIdentifier|properties.alternateSignInName|alternateSignInName",
		esIdentity:        "identity",
		esResourceName:    "properties.resourceDisplayName|resourceDisplayName",
		esCallerIP:        "callerIpAddress",
		esIP:              "properties.ipAddress|ipAddress",
		esAADTenant:       "aadTenantId",
		esResource:        "resourceId",
		esTenant:          "tenantId|properties.tenantId",
		esHomeTenant:      "properties.homeTenantId|homeTenantId|properties.resourceTenantId|resourceTenantId",
		esDevice:          "properties.deviceDetail.deviceId|deviceDetail.deviceId|deviceDetail_dynamic.deviceId|deviceDetail_string.deviceId",
		esDeviceName:      "properties.deviceDetail.displayName|deviceDetail.displayName|deviceDetail_dynamic.displayName|deviceDetail_string.displayName",
		esSession:         "properties.sessionId|sessionId",
	}),
	Hot:    esUserName,
	Is:     isEntraSignIn,
	Key:    entraSignInKey,
	Time:   entraSignInTime,
	Header: entraSignInHeader,
}

// The categories of sign-ins, by the names of the diagnostic settings.
const (
	signInUser            = "SignInLogs"
	signInNonInteractive  = "NonInteractiveUserSignInLogs"
	signInPrincipal       = "ServicePrincipalSignInLogs"
	signInManagedIdentity = "ManagedIdentitySignInLogs"
	signInADFS            = "ADFSSignInLogs"
	signInMicrosoft       = "MicrosoftServicePrincipalSignInLogs"
)

// signInCategory returns the category of a sign-in: as the record says it, by its
// table, or by the fields of Microsoft Graph; "" when nothing tells it.
func signInCategory(r *Record) string {
	for _, said := range [...][]byte{r.scalar(esCategory), r.scalar(esTable)} {
		switch {
		case isAny(said, signInUser):
			return signInUser
		case isAny(said, signInNonInteractive, "AADNonInteractiveUserSignInLogs"):
			return signInNonInteractive
		case isAny(said, signInPrincipal, "AADServicePrincipalSignInLogs"):
			return signInPrincipal
		case isAny(said, signInManagedIdentity, "AADManagedIdentitySignInLogs"):
			return signInManagedIdentity
		case isAny(said, signInADFS):
			return signInADFS
		case isAny(said, signInMicrosoft):
			return signInMicrosoft
		}
	}
	switch said := r.scalar(esEventTypes); {
	case isAny(said, "interactiveUser"):
		return signInUser
	case isAny(said, "nonInteractiveUser"):
		return signInNonInteractive
	case isAny(said, "servicePrincipal"):
		return signInPrincipal
	case isAny(said, "managedIdentity"):
		return signInManagedIdentity
	}
	if isAny(r.scalar(esOperation), "Sign-in activity") || graphSignIn(r) {
		switch {
		case r.either(esUserUPN, esUserID) == nil && r.scalar(esPrincipalID) != nil:
			return signInPrincipal
		case isAny(r.scalar(esInteractive), "false"):
			return signInNonInteractive
		}
		return signInUser
	}
	return ""
}

// graphSignIn says whether a record has the fields of Microsoft Graph's signIn.
func graphSignIn(r *Record) bool {
	return !r.has(esProperties) && r.has(esCreated) && (r.has(esErrorCode) || r.has(esCondAccess) || r.has(esClientApp)) &&
		(r.has(esUserUPN) || r.has(esUserID) || r.has(esPrincipalID)) && r.has(esAppID)
}

func isEntraSignIn(r *Record) bool {
	return !r.has(esRiskEvent) && !hasPrefixFold(r.scalar(esResource), "/subscriptions/") && signInCategory(r) != ""
}

func entraSignInTime(r *Record) int64 {
	return timeIn(r, esCreated, esTime, esStep)
}

// signInResource returns the application signed in to. Graph writes it where the other
// shapes name the tenant's resource, which is a path.
func signInResource(r *Record) []byte {
	if id := r.scalar(esResourceApp); id != nil {
		return id
	}
	if top := r.scalar(esResource); !bytes.HasPrefix(top, []byte("/")) {
		return top
	}
	return nil
}

// entraSignInKey: the record's id and its category. Graph cuts the time of a sign-in to
// seconds, and so does the content.
func entraSignInKey(r *Record) (yagura.Key, uint64, bool) {
	content := contentHash(entraSignInTime(r)/1e9*1e9, r.either(esUserID, esUserUPN, esPrincipalID),
		r.scalar(esAppID), signInResource(r), r.either(esResultType, esErrorCode))
	id := r.scalar(esID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("entra.signin")
	k.part(id)
	k.text(signInCategory(r))
	return k.sum(), content, true
}

const zeroGUID = "00000000-0000-0000-0000-000000000000"

func entraSignInHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(esID)
	e.Time = timeOf(entraSignInTime(r))
	e.Account = entraTenant(r, esAADTenant, esResource, esTenant, esHomeTenant)
	if e.Action = r.str(esOperation); e.Action == "" {
		e.Action = "Sign-in activity" // Graph gives sign-ins no name of their own
	}
	var more []yagura.Entity

	principal := false
	switch signInCategory(r) {
	case signInPrincipal, signInManagedIdentity, signInMicrosoft:
		principal = r.scalar(esPrincipalID) != nil || r.scalar(esUserID) == nil
	}
	if principal {
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: r.str(esPrincipalID, esAppID, esPrincipalName, esAppName),
			Name: r.str(esPrincipalName, esAppName, esIdentity)}
	} else {
		id := r.str(esUserID)
		if id == "" || id == zeroGUID {
			id = r.str(esUserUPN, esIdentifier, esIdentity, esUserID)
		}
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: id, Name: r.str(esUserUPN, esIdentifier, esUserName, esIdentity)}
		more = append(more, yagura.Entity{Type: yagura.EntityUser, ID: r.str(esUserUPN)})
	}
	more = append(more, yagura.Entity{Type: yagura.EntityServicePrincipal, ID: r.str(esAppID)},
		yagura.Entity{Type: yagura.EntityHost, ID: r.str(esDevice, esDeviceName)},
		yagura.Entity{Type: yagura.EntitySession, ID: r.str(esSession)})

	resource := string(signInResource(r))
	if resource == "" {
		resource = r.str(esResourceName)
	}
	e.Targets = addEntity(e.Targets, yagura.EntityResource, resource)

	e.SrcIP = firstAddress(r, esCallerIP, esIP)
	switch code := r.either(esResultType, esErrorCode); {
	case code == nil:
		e.Outcome = yagura.OutcomeUnknown
	case isAny(code, "0", "success"):
		e.Outcome = yagura.OutcomeSuccess
	default:
		e.Outcome = yagura.OutcomeFailure
	}
	finish(e, more...)
}
