package ocsf

import (
	"cmp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// fileCalls are the operations of SharePoint and OneDrive on files, by the activity of File
// Hosting that they are.
var fileCalls = map[string]int{
	"FileUploaded": 1, "FileDownloaded": 2, "FileSyncDownloadedFull": 2, "FileSyncUploadedFull": 1, "FileModified": 3, "FileModifiedExtended": 3,
	"FileDeleted": 4, "FileDeletedFirstStageRecycleBin": 4, "FileDeletedSecondStageRecycleBin": 4, "FileRecycled": 4, "FileVersionsAllDeleted": 4,
	"FolderDeleted": 4, "FolderRecycled": 4, "FileRenamed": 5, "FolderRenamed": 5, "FileCopied": 6, "FolderCopied": 6, "FileMoved": 7, "FolderMoved": 7,
	"FileRestored": 8, "FolderRestored": 8, "FilePreviewed": 9, "FileCheckedOut": 10, "FileCheckedIn": 11, "FileCheckOutDiscarded": 11,
	"SharingSet": 12, "AnonymousLinkCreated": 12, "CompanyLinkCreated": 12, "SecureLinkCreated": 12, "AddedToSecureLink": 12, "SharingInvitationCreated": 12,
	"SharingRevoked": 13, "AnonymousLinkRemoved": 13, "CompanyLinkRemoved": 13, "SecureLinkDeleted": 13, "FileAccessed": 14, "FileAccessedExtended": 14,
	"FolderCreated": 1, "FolderModified": 3,
}

// m365 maps the unified audit log: sign-ins, the directory, files, mailboxes' permissions;
// everything else is a call.
func (b *build) m365() {
	r, e := b.r, b.e
	workload := r.str("Workload", "OfficeWorkload", "EventSource")
	b.vendor, b.product, b.feature, b.productVersion = "Microsoft", "Microsoft 365", workload, r.str("Version")
	b.meta.Set("event_code", r.str("RecordType"))
	b.meta.Set("original_time", r.str("CreationTime", "TimeGenerated"))
	b.meta.Set("correlation_uid", r.str("CorrelationId", "InterSystemsId"))
	b.meta.Set("tenant_uid", r.str("OrganizationId"))
	b.statusCode = r.str("LogonError", "ErrorNumber", "ResultStatus")
	b.statusDetail = r.str("ResultStatusDetail", "ResultStatus")
	user := User(e.Actor)
	user.Set("uid_alt", said(r.str("UserKey")))
	if len(user) > 0 {
		id, caption := 1, "User"
		switch r.str("UserType") {
		case "2", "Admin", "3", "DcAdmin":
			id, caption = 2, "Admin"
		case "4", "5", "6", "System", "Application", "ServicePrincipal":
			id, caption = 3, "System"
		}
		user.Set("type_id", id)
		user.Set("type", caption)
	}
	b.actor = Of("user", user, "session", Of("uid", r.str("SessionId", "AppAccessContext.AADSessionId")),
		"app_name", r.str("ApplicationDisplayName", "ClientAppName"), "app_uid", r.str("ApplicationId", "AppId", "ClientAppId"))
	if e.SrcIP != "" {
		b.src = Endpoint(e.SrcIP)
	}
	agent := cmp.Or(r.str("UserAgent", "ClientInfoString"), named(r.get("ExtendedProperties"), "UserAgent").scalar())
	b.http = Of("user_agent", agent)
	b.api = Of("operation", orUnknown(e.Action), "service", Of("name", workload), "request", Of("uid", r.str("RequestId", "Id")))
	b.unmapped.Set("UserType", r.str("UserType"))
	b.unmapped.Set("ObjectId", r.str("ObjectId"))
	b.m365Bags()

	operation := strings.TrimRight(e.Action, ". ")
	switch {
	case operation == "UserLoggedIn", operation == "UserLoginFailed", operation == "MailboxLogin", operation == "UserLoggedOff", operation == "TeamsSessionStarted":
		activity := 1
		if operation == "UserLoggedOff" {
			activity = 2
		}
		b.is(authentication, activity, e.Action)
		b.user = user
		b.more.Set("service", Of("name", cmp.Or(r.str("ApplicationDisplayName"), workload, "Microsoft 365"), "uid", cmp.Or(said(r.str("ObjectId")), r.str("Target.ID"))))
		b.more.Set("is_remote", true)
	case fileCalls[operation] != 0 && b.m365File(fileCalls[operation]):
	case strings.EqualFold(workload, "AzureActiveDirectory"):
		var targets []directoryTarget
		for _, t := range e.Targets {
			targets = append(targets, directoryTarget{id: t.ID, kind: t.Type})
		}
		props := r.get("ModifiedProperties")
		b.directory(targets, func(name string) string { return strings.Trim(props.namedNew(name), "\"[]\r\n ") })
	case (operation == "Add-MailboxPermission" || operation == "Add-RecipientPermission" || operation == "Remove-MailboxPermission") && b.mailboxAccess(operation):
	default:
		b.is(apiActivity, crud(operation), e.Action)
	}
}

// said returns s unless it says that nothing is known.
func said(s string) string {
	if s == "Unknown" || s == "Not Available" {
		return ""
	}
	return s
}

// namedNew returns the new value of a property by its name.
func (v value) namedNew(name string) (text string) {
	v.each(func(p value) bool {
		if strings.EqualFold(p.str("Name", "displayName"), name) {
			text = p.str("NewValue")
		}
		return text == ""
	})
	return text
}

// m365Bags keeps the parameters of a cmdlet and the properties that were changed.
func (b *build) m365Bags() {
	var out []Object
	b.r.get("Parameters").each(func(p value) bool {
		out = append(out, Of("name", p.str("Name"), "value", p.str("Value")))
		return len(out) < 100
	})
	b.unmapped.Set("Parameters", out)
	out = nil
	b.r.get("ModifiedProperties").each(func(p value) bool {
		if name := p.str("Name"); name != "" {
			out = append(out, Of("name", name, "old", p.str("OldValue"), "new", p.str("NewValue")))
		}
		return len(out) < 50
	})
	b.unmapped.Set("ModifiedProperties", out)
}

// m365File maps what was done with a file or folder.
func (b *build) m365File(activity int) bool {
	r := b.r
	path := r.str("ObjectId", "OfficeObjectId")
	name := cmp.Or(r.str("SourceFileName"), lastName(path))
	if name == "" {
		return false
	}
	id, caption := 1, "Regular File"
	if strings.EqualFold(r.str("ItemType"), "Folder") || strings.HasPrefix(b.e.Action, "Folder") {
		id, caption = 2, "Folder"
	}
	b.is(fileHosting, activity, b.e.Action)
	b.more.Set("file", Of("name", name, "path", path, "type_id", id, "type", caption, "ext", r.str("SourceFileExtension"), "uid", r.str("ListItemUniqueId")))
	if to := r.str("DestinationFileName"); to != "" {
		b.more.Set("file_result", Of("name", to, "path", r.str("DestinationRelativeUrl"), "type_id", id, "type", caption))
	}
	if site := r.str("SiteUrl", "Site_Url"); site != "" {
		b.dst = Of("name", site)
	}
	b.unmapped.Set("user_agent", r.str("UserAgent"))
	b.unmapped.Set("TargetUserOrGroupName", r.str("TargetUserOrGroupName"))
	return true
}

// mailboxAccess maps who was given or lost access to a mailbox.
func (b *build) mailboxAccess(operation string) bool {
	p := b.r.get("Parameters")
	who := named(p, "User").scalar()
	who = cmp.Or(who, named(p, "Trustee").scalar())
	rights := named(p, "AccessRights").scalar()
	if who == "" || rights == "" {
		return false
	}
	activity := 1
	if strings.HasPrefix(operation, "Remove") {
		activity = 2
	}
	b.is(userAccess, activity, b.e.Action)
	b.user = Of("name", who, "email_addr", email(who))
	b.more.Set("privileges", []string{rights})
	mailbox := named(p, "Identity").scalar()
	b.more.Set("resource", Of("uid", mailbox, "name", cmp.Or(lastName(mailbox), mailbox), "type", "mailbox"))
	return true
}

// graphActivity maps MicrosoftGraphActivityLogs: HTTP requests to Microsoft Graph, which are
// calls of an API.
func (b *build) graphActivity() {
	r, e := b.r, b.e
	in := both(r)
	b.vendor, b.product, b.feature, b.productVersion = "Microsoft", "Microsoft Graph", "Activity logs", in("apiVersion").scalar()
	b.meta.Set("correlation_uid", in("operationId", "correlationId", "clientRequestId").scalar())
	b.meta.Set("original_time", in("timeGenerated", "time").scalar())
	b.meta.Set("tenant_uid", in("tenantId").scalar())
	user := Of("uid", cmp.Or(e.Actor.ID, in("userId").scalar(), in("servicePrincipalId").scalar()), "name", e.Actor.Name, "credential_uid", in("signInActivityId").scalar())
	if len(user) > 0 {
		id, caption := 1, "User"
		if in("userId").scalar() == "" && e.Actor.Type != yagura.EntityUser {
			id, caption = 3, "System"
		}
		user.Set("type_id", id)
		user.Set("type", caption)
	}
	b.actor = Of("user", user, "app_uid", in("appId").scalar(), "session", Of("uid", in("sessionId", "signInActivityId").scalar()))
	b.src = Endpoint(orUnknown(cmp.Or(e.SrcIP, in("ipAddress", "callerIpAddress").scalar())))
	method := strings.ToUpper(in("requestMethod").scalar())
	b.web(web{method: method, url: in("requestUri").scalar(), agent: in("userAgent").scalar(), uid: in("requestId").scalar(),
		code: in("responseStatusCode", "resultSignature").num(""), sent: in("responseSizeBytes").num("")})
	b.statusCode = in("responseStatusCode", "resultSignature").scalar()
	activity := map[string]int{"POST": 1, "GET": 2, "HEAD": 2, "PUT": 3, "PATCH": 3, "DELETE": 4}[method]
	if activity == 0 {
		activity = other
	}
	b.api = Of("operation", orUnknown(cmp.Or(e.Action, method)), "version", in("apiVersion").scalar(), "service", Of("name", "graph.microsoft.com"),
		"request", Of("uid", in("requestId").scalar()), "response", Of("code", in("responseStatusCode", "resultSignature").num("")))
	b.unmapped.Set("scopes", in("scopes", "roles").scalar())
	b.is(apiActivity, activity, e.Action)
}
