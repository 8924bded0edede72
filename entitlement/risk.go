package entitlement

import (
	"slices"
	"strings"
)

// Risk is what somebody who holds a permission can do with it. The order is that of
// [Highest].
type Risk uint8

// The risks; docs/permissions.md gives the method.
const (
	None    Risk = iota // there is no permission
	Low                 // reads what concerns one person or little of worth
	Unknown             // in no table
	Medium              // changes what others rely on, or reads what is personal
	High                // can take over the tenant, read everybody's mail or files, or act as others
)

// String returns the risk as rules name it.
func (r Risk) String() string {
	return [...]string{"", "low", "unknown", "medium", "high"}[r]
}

// Highest returns the highest risk of the permissions.
func Highest(list []Permission) (r Risk) {
	for _, p := range list {
		r = max(r, p.Risk)
	}
	return r
}

// takeover are the permissions that lead to control over the tenant or over a person's
// sign-in, by whatever way they are held: who has them with an administrator's token
// makes himself one. A star at the end stands for any rest.
var takeover = []string{
	// Roles, grants and credentials of applications.
	"RoleManagement.ReadWrite.Directory", "RoleManagement.ReadWrite.Exchange",
	"RoleAssignmentSchedule.ReadWrite.Directory", "RoleEligibilitySchedule.ReadWrite.Directory",
	"RoleManagementPolicy.ReadWrite.*", "PrivilegedAccess.ReadWrite.*",
	"PrivilegedAssignmentSchedule.ReadWrite.*", "PrivilegedEligibilitySchedule.ReadWrite.*",
	"EntitlementManagement.ReadWrite.All",
	"AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All",
	"Application.ReadWrite.All", "Application.ReadUpdate.All",
	"AgentIdentityBlueprint.AddRemoveCreds.All", "AgentIdentityBlueprint.UpdateAuthProperties.All", "AgentIdentityBlueprint.ReadWrite.All",
	"Directory.ReadWrite.All", "Directory.AccessAsUser.All",
	"Group.ReadWrite.All", "GroupMember.ReadWrite.All",
	// How people sign in, and what is asked of them.
	"Domain.ReadWrite.All", "Domain-InternalFederation.ReadWrite.All", "IdentityProvider.ReadWrite.All",
	"Organization.ReadWrite.All", "PublicKeyInfrastructure.ReadWrite.All", "TrustFrameworkKeySet.ReadWrite.All",
	"OnPremDirectorySynchronization.ReadWrite.All", "Synchronization.ReadWrite.All", "SynchronizationData-User.Upload",
	"UserAuthenticationMethod.ReadWrite.All", "UserAuthMethod-*.ReadWrite.All",
	"User-PasswordProfile.ReadWrite.All", "User.ManageIdentities.All", "User.ReadWrite.All",
	"Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.ConditionalAccess", "Policy.ReadWrite.PermissionGrant",
	"Policy.ReadWrite.Authorization", "Policy.ReadWrite.CrossTenantAccess", "Policy.ReadWrite.FedTokenValidation",
	"Policy.ReadWrite.SecurityDefaults", "Policy.ReadWrite.ApplicationConfiguration",
	// Code on every device, and the secrets of devices.
	"DeviceManagementConfiguration.ReadWrite.All", "DeviceManagementScripts.ReadWrite.All", "DeviceManagementApps.ReadWrite.All",
	"DeviceManagementManagedDevices.PrivilegedOperations.All", "DeviceManagementRBAC.ReadWrite.All",
	"DeviceLocalCredential.Read.All", "BitlockerKey.Read.All",
	// Other resources.
	"Exchange.ManageAsApp",
}

// everybody are the permissions that, held by an application, reach the mail, files or
// chats of everybody, or write in their name.
var everybody = []string{
	"Mail.Read", "Mail.ReadWrite", "Mail.Send", "Mail-Advanced.ReadWrite*", "MailboxSettings.ReadWrite", "User-Mail.ReadWrite.All",
	"MailboxItem.Read*", "MailboxItem.Export*", "MailboxItem.ImportExport*", "MailboxFolder.ReadWrite*", "full_access_as_app",
	"Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All", "Sites.Manage.All", "Sites.FullControl.All",
	"Chat.Read.All", "Chat.ReadWrite.All", "ChatMessage.Read.All", "ChannelMessage.Read.All",
	"eDiscovery.Read.All", "eDiscovery.ReadWrite.All",
}

// personal are the first parts of the names of permissions on what people write, keep
// and say: reading it is more than reading a directory.
var personal = []string{
	"Mail", "MailboxItem", "MailboxFolder", "MailboxSettings", "MailboxConfigItem", "Mail-Advanced", "Files", "Sites", "AllSites", "MyFiles", "Notes",
	"Chat", "ChatMessage", "ChannelMessage", "Calendars", "Contacts", "Calls", "CallRecordings", "CallTranscripts", "CallAiInsights",
	"OnlineMeetingRecording", "OnlineMeetingTranscript", "OnlineMeetingArtifact", "AiEnterpriseInteraction", "eDiscovery",
	"EWS", "IMAP", "POP", "SMTP", "BackupRestore-Restore", "User-Mail", "UserActivity",
}

// revealing are permissions to read what an attacker asks for first: the directory as a
// whole, its guards, its logs and what they found.
var revealing = []string{
	"Directory.Read.All", "Policy.Read.*", "AuditLog.Read.All", "AuditLogsQuery*", "ThreatHunting.Read.All",
	"UserAuthenticationMethod.Read.All", "RoleManagement.Read.All", "BitlockerKey.ReadBasic.All", "User.Export.All",
	"ActivityFeed.Read", "ActivityFeed.ReadDlp", "DeviceManagementConfiguration.Read.All", "DeviceManagementScripts.Read.All",
}

// rate gives the risk of a permission by its name.
func rate(name, kind string) Risk {
	switch {
	case isSignIn(name):
		return Low
	case like(takeover, name):
		return High
	case name == "user_impersonation" || name == "full_access_as_user":
		return Medium // everything that the user may do in that one API
	case kind != Delegated && like(everybody, name):
		return High
	case basic(name):
		return Low
	}
	first, rest, _ := strings.Cut(name, ".")
	switch {
	case slices.Contains(personal, first):
		return Medium
	case like(revealing, name):
		return Medium
	case !writes(rest):
		return Low
	case kind != Delegated || strings.HasSuffix(rest, ".All") || strings.HasPrefix(name, "Policy."):
		return Medium
	}
	return Low
}

// isSignIn says whether a scope only lets a user sign in.
func isSignIn(name string) bool {
	switch name {
	case "openid", "profile", "email", "offline_access", "User.Read":
		return true
	}
	return false
}

// basic says whether a permission is for a part that tells little, or for single things
// that somebody chooses for the application.
func basic(name string) bool {
	return strings.Contains(name, ".ReadBasic") || strings.HasSuffix(name, ".Selected") || strings.HasSuffix(name, "AppFolder")
}

// writes says whether the verb of a permission changes something.
func writes(verb string) bool {
	verb, _, _ = strings.Cut(verb, ".")
	return verb != "Read" && !strings.HasPrefix(verb, "ReadFor") && verb != "Receive" && verb != "Evaluate" && verb != "Compute"
}

// like says whether a list names a permission.
func like(list []string, name string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		before, after, star := strings.Cut(pattern, "*")
		if !star {
			return pattern == name
		}
		return len(name) >= len(before)+len(after) && strings.HasPrefix(name, before) && strings.HasSuffix(name, after)
	})
}
