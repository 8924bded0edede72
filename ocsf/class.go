package ocsf

// class is an event class of the schema, with the captions of its activities.
type class struct {
	uid        int
	name       string
	category   int
	activities map[int]string
}

// The categories that our classes are in.
func categoryName(uid int) string {
	switch uid {
	case 2:
		return "Findings"
	case 3:
		return "Identity & Access Management"
	case 4:
		return "Network Activity"
	case 5:
		return "Discovery"
	case 6:
		return "Application Activity"
	}
	return "Uncategorized"
}

const other = 99 // of every activity: the source's own name says which

var (
	baseEvent = &class{0, "Base Event", 0, nil}

	vulnerabilityFinding = &class{2002, "Vulnerability Finding", 2, findingActivities}
	complianceFinding    = &class{2003, "Compliance Finding", 2, findingActivities}
	detectionFinding     = &class{2004, "Detection Finding", 2, findingActivities}
	incidentFinding      = &class{2005, "Incident Finding", 2, findingActivities}

	accountChange = &class{3001, "Account Change", 3, map[int]string{1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset",
		5: "Disable", 6: "Delete", 7: "Attach Policy", 8: "Detach Policy", 9: "Lock", 10: "MFA Factor Enable", 11: "MFA Factor Disable", 12: "Unlock"}}
	authentication = &class{3002, "Authentication", 3, map[int]string{1: "Logon", 2: "Logoff", 3: "Authentication Ticket", 4: "Service Ticket Request",
		5: "Service Ticket Renew", 6: "Preauth"}}
	entityManagement = &class{3004, "Entity Management", 3, map[int]string{1: "Create", 2: "Read", 3: "Update", 4: "Delete", 5: "Move",
		6: "Enroll", 7: "Unenroll", 8: "Enable", 9: "Disable", 10: "Activate", 11: "Deactivate", 12: "Suspend", 13: "Resume"}}
	userAccess      = &class{3005, "User Access Management", 3, map[int]string{1: "Assign Privileges", 2: "Revoke Privileges"}}
	groupManagement = &class{3006, "Group Management", 3, map[int]string{1: "Assign Privileges", 2: "Revoke Privileges", 3: "Add User",
		4: "Remove User", 5: "Delete", 6: "Create"}}

	networkActivity = &class{4001, "Network Activity", 4, map[int]string{1: "Open", 2: "Close", 3: "Reset", 4: "Fail", 5: "Refuse", 6: "Traffic", 7: "Listen"}}
	httpActivity    = &class{4002, "HTTP Activity", 4, map[int]string{1: "Connect", 2: "Delete", 3: "Get", 4: "Head", 5: "Options", 6: "Post", 7: "Put", 8: "Trace"}}
	dnsActivity     = &class{4003, "DNS Activity", 4, map[int]string{1: "Query", 2: "Response", 6: "Traffic"}}

	inventoryInfo = &class{5023, "Cloud Resources Inventory Info", 5, map[int]string{1: "Log", 2: "Collect"}}

	apiActivity       = &class{6003, "API Activity", 6, map[int]string{1: "Create", 2: "Read", 3: "Update", 4: "Delete"}}
	datastoreActivity = &class{6005, "Datastore Activity", 6, map[int]string{1: "Read", 2: "Update", 3: "Connect", 4: "Query", 5: "Write",
		6: "Create", 7: "Delete", 8: "List", 9: "Encrypt", 10: "Decrypt"}}
	fileHosting = &class{6006, "File Hosting Activity", 6, map[int]string{1: "Upload", 2: "Download", 3: "Update", 4: "Delete", 5: "Rename", 6: "Copy",
		7: "Move", 8: "Restore", 9: "Preview", 10: "Lock", 11: "Unlock", 12: "Share", 13: "Unshare", 14: "Open", 15: "Sync", 16: "Unsync", 17: "Access Check"}}

	findingActivities = map[int]string{1: "Create", 2: "Update", 3: "Close"}
)

// Class is a class that other rooms write themselves.
type Class int

// The classes that other rooms write.
const (
	ClassBaseEvent        Class = 0
	ClassDetectionFinding Class = 2004
	ClassIncidentFinding  Class = 2005
)

// Begin starts an event of a class with its classification: category, class, activity and
// type, by number and name. label names an activity that the class does not know, 99.
func (c Class) Begin(activity int, label string) Object {
	of := baseEvent
	switch c {
	case ClassDetectionFinding:
		of = detectionFinding
	case ClassIncidentFinding:
		of = incidentFinding
	}
	return of.begin(activity, label)
}

func (c *class) begin(activity int, label string) Object {
	caption, known := c.activities[activity]
	switch {
	case known:
		label = caption
	case activity == 0:
		label, caption = "Unknown", "Unknown"
	default:
		activity, caption = other, "Other"
		if label == "" {
			label = caption
		}
	}
	o := make(Object, 0, 40)
	o.Set("activity_id", activity)
	o.Set("activity_name", label)
	o.Set("category_uid", c.category)
	o.Set("category_name", categoryName(c.category))
	o.Set("class_uid", c.uid)
	o.Set("class_name", c.name)
	o.Set("type_uid", c.uid*100+activity)
	o.Set("type_name", c.name+": "+caption)
	return o
}
