package decode

import (
	"slices"
	"strings"
)

// knownColumns are columns that tell a table by themselves: of Log Analytics, Purview, the
// portals of Entra, Azure and CloudTrail.
var knownColumns = map[string]bool{
	"TimeGenerated": true, "TimeGenerated [UTC]": true, "AuditData": true, "UserPrincipalName": true, "OperationName": true,
	"CallerIpAddress": true, "SourceIpAddress": true, "ActivityDateTime": true, "ActivityDateTime [UTC]": true,
	"CreatedDateTime": true, "CreatedDateTime [UTC]": true, "Date (UTC)": true, "Event name": true, "Operation name": true,
	"insertId": true, "RawEventData": true,
}

// portalTable is a table of a portal whose columns are named for people: it is read with the names
// that the same log has as a table of Log Analytics.
type portalTable struct {
	marks   []string          // columns that tell it
	columns map[string]string // to the names of the other table
	fixed   []string          // names and values of members that a row of that table has
	// more appends what is not one column under another name; get returns a cell by its
	// column. only says that it writes the whole row.
	more func(dst []byte, get func(name string) []byte) []byte
	only bool
}

func portalTables() []portalTable {
	return []portalTable{{
		marks: []string{"Date (UTC)", "Request ID", "Application", "Status"}, // sign-ins, of the portal of Entra
		columns: map[string]string{
			"Date (UTC)": "CreatedDateTime", "Request ID": "Id", "Correlation ID": "CorrelationId", "User ID": "UserId", "User": "UserDisplayName",
			"Username": "UserPrincipalName", "User type": "UserType", "Application": "AppDisplayName", "Application ID": "AppId",
			"Resource": "ResourceDisplayName", "Resource ID": "ResourceIdentity", "Resource tenant ID": "ResourceTenantId",
			"Home tenant ID": "HomeTenantId", "IP address": "IPAddress", "Sign-in error code": "ResultType", "Failure reason": "ResultDescription",
			"Client app": "ClientAppUsed", "User agent": "UserAgent", "Conditional Access": "ConditionalAccessStatus",
			"Authentication requirement": "AuthenticationRequirement", "Session ID": "SessionId", "Unique token identifier": "UniqueTokenIdentifier",
			"Authentication Protocol": "AuthenticationProtocol", "Flagged for review": "FlaggedForReview", "Token issuer type": "TokenIssuerType",
			"Service principal ID": "ServicePrincipalId", "Service principal name": "ServicePrincipalName", "Status": "ResultSignature",
		},
		fixed: []string{"OperationName", "Sign-in activity", "Category", "SignInLogs"},
		more:  portalSignIn,
	}, {
		marks: []string{"Date (UTC)", "Activity", "ActorType"}, // the audit log, of the portal of Entra
		more:  portalAudit,
		only:  true,
	}, {
		marks: []string{"Correlation id", "Operation name", "Event initiated by", "Time"}, // the activity log, of the portal of Azure
		columns: map[string]string{
			"Correlation id": "CorrelationId", "Operation name": "OperationName", "Status": "ActivityStatusValue", "Event category": "CategoryValue",
			"Time": "TimeGenerated", "Subscription": "SubscriptionId", "Event initiated by": "Caller",
			"Resource type": "ResourceProviderValue", "Resource group": "ResourceGroup", "Resource": "ResourceId",
		},
		fixed: []string{"Type", "AzureActivity"},
	}, {
		marks: []string{"Event name", "Event source", "Event time"}, // the event history of CloudTrail's console
		columns: map[string]string{
			"Event ID": "AwsEventId", "Event time": "EventTime", "User name": "UserIdentityUserName", "Event name": "EventName",
			"Event source": "EventSource", "AWS access key": "UserIdentityAccessKeyId", "Access key": "UserIdentityAccessKeyId",
			"Source IP address": "SourceIpAddress", "AWS region": "AWSRegion", "Error code": "ErrorCode", "Read-only": "ReadOnly",
			"Request ID": "AwsRequestId", "Recipient account ID": "RecipientAccountId", "User agent": "UserAgent",
		},
		fixed: []string{"Type", "AWSCloudTrail"},
	}}
}

// columnsOf turns the names of a header into those of the members of a row. The suffix that a
// portal writes behind a column of times goes, and those that tell two columns of one name
// apart.
func columnsOf(header []string) (names []string, table portalTable) {
	names = slices.Clone(header)
	for _, t := range portalTables() {
		if slices.ContainsFunc(t.marks, func(m string) bool { return !slices.Contains(header, m) }) {
			continue
		}
		for i, n := range names {
			if to := t.columns[n]; to != "" {
				names[i] = to
			}
		}
		return names, t
	}
	for i, n := range header {
		n = strings.TrimSuffix(n, " [UTC]")
		for _, pair := range [...][2]string{{"_dynamic", "_string"}, {"_string", "_dynamic"}} {
			bare, ok := strings.CutSuffix(n, pair[0])
			if ok && slices.Contains(header, bare+pair[1]) && !slices.Contains(header, bare) {
				n = bare // one of the two is empty in each row
			}
		}
		names[i] = n
	}
	return names, portalTable{}
}

// column is a member of the object that a row becomes: a cell, or an object of some.
type column struct {
	name  string
	cell  int
	inner []column
}

// maxPath bounds how deep the names of columns go.
const maxPath = 16

// treeOf makes the members of the names of columns. One with dots is a path, as exports of
// nested records write them (actor.id), unless it would be in the way of another.
func treeOf(names []string) []column {
	var root []column
	for i, name := range names {
		path := strings.Split(name, ".")
		if len(path) > maxPath || slices.Contains(path, "") || strings.ContainsAny(name, " ()/") || !place(&root, path, i) {
			root = append(root, column{name: name, cell: i})
		}
	}
	return root
}

// place puts a cell into the tree; false when something else stands there.
func place(at *[]column, path []string, cell int) bool {
	i := slices.IndexFunc(*at, func(c column) bool { return c.name == path[0] })
	if len(path) == 1 {
		if i >= 0 {
			return false
		}
		*at = append(*at, column{name: path[0], cell: cell})
		return true
	}
	if i < 0 {
		inner := []column{}
		place(&inner, path[1:], cell)
		*at = append(*at, column{name: path[0], inner: inner})
		return true
	}
	return (*at)[i].inner != nil && place(&(*at)[i].inner, path[1:], cell)
}
