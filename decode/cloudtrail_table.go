package decode

import (
	"bytes"

	"github.com/yagura-sec/yagura/slot"
)

// cloudTrailRow is a row of Microsoft Sentinel's table AWSCloudTrail, which has the record's fields
// in columns of their own: it is put together again.
var cloudTrailRow = Envelope{
	Name:      "row of AWSCloudTrail",
	Fields:    fieldList(false, cloudTrailColumns()),
	OnlyKnown: true,
	Is: func(r *Record) bool {
		return r.has(0) && r.has(1) && (r.has(2) || r.has(3) || string(r.scalar(4)) == "AWSCloudTrail")
	},
	Open: func(r *Record, emit func([]byte)) error { emit(cloudTrailOfRow(r)); return nil },
}

// cloudTrailColumn is where a column stands in the record: in "", userIdentity,
// sessionIssuer or attributes.
type cloudTrailColumn struct{ column, in, name string }

// cloudTrailTable starts with the columns that tell the table, of which the fifth is not
// of the record.
var cloudTrailTable = []cloudTrailColumn{
	{"EventName", "", "eventName"},
	{"EventSource", "", "eventSource"},
	{"AwsEventId", "", "eventID"},
	{"UserIdentityType", "userIdentity", "type"},
	{"Type", "-", ""},
	{"EventVersion", "", "eventVersion"},
	{"EventTime|TimeGenerated", "", "eventTime"},
	{"EventTypeName", "", "eventType"},
	{"AWSRegion|AwsRegion", "", "awsRegion"},
	{"SourceIpAddress", "", "sourceIPAddress"},
	{"UserAgent", "", "userAgent"},
	{"ErrorCode", "", "errorCode"},
	{"ErrorMessage", "", "errorMessage"},
	{"AwsRequestId|AwsRequestId_", "", "requestID"},
	{"APIVersion", "", "apiVersion"},
	{"ReadOnly", "", "readOnly"},
	{"ManagementEvent", "", "managementEvent"},
	{"RecipientAccountId", "", "recipientAccountId"},
	{"SharedEventId", "", "sharedEventID"},
	{"VpcEndpointId", "", "vpcEndpointId"},
	{"RequestParameters", "", "requestParameters"},
	{"ResponseElements", "", "responseElements"},
	{"AdditionalEventData", "", "additionalEventData"},
	{"ServiceEventDetails", "", "serviceEventDetails"},
	{"Resources", "", "resources"},
	{"UserIdentityPrincipalid|UserIdentityPrincipalId", "userIdentity", "principalId"},
	{"UserIdentityArn", "userIdentity", "arn"},
	{"UserIdentityAccountId", "userIdentity", "accountId"},
	{"UserIdentityAccessKeyId", "userIdentity", "accessKeyId"},
	{"UserIdentityUserName", "userIdentity", "userName"},
	{"UserIdentityInvokedBy", "userIdentity", "invokedBy"},
	{"SessionIssuerType", "sessionIssuer", "type"},
	{"SessionIssuerPrincipalId", "sessionIssuer", "principalId"},
	{"SessionIssuerArn", "sessionIssuer", "arn"},
	{"SessionIssuerAccountId", "sessionIssuer", "accountId"},
	{"SessionIssuerUserName", "sessionIssuer", "userName"},
	{"SessionMfaAuthenticated", "attributes", "mfaAuthenticated"},
	{"SessionCreationDate", "attributes", "creationDate"},
}

func cloudTrailColumns() []string {
	var names []string
	for _, c := range cloudTrailTable {
		names = append(names, c.column)
	}
	return names
}

// cloudTrailOfRow writes the record of a row.
func cloudTrailOfRow(r *Record) []byte {
	part := map[string][]byte{}
	for i, c := range cloudTrailTable {
		v := r.First(i)
		if c.in == "-" || !r.has(i) {
			continue
		}
		dst := part[c.in]
		text := r.Doc.Text(v)
		switch kind := r.Doc.Kind(v); {
		case kind == slot.Object || kind == slot.Array:
			dst = append(appendName(dst, c.name), r.Doc.Raw(v)...)
		case kind == slot.String && opens(text):
			dst = append(appendName(dst, c.name), text...)
		case (c.name == "readOnly" || c.name == "managementEvent") && isAny(text, "true", "false"):
			dst = append(appendName(dst, c.name), bytes.ToLower(text)...)
		default:
			dst = appendMember(dst, c.name, text)
		}
		part[c.in] = dst
	}
	nest := func(outer, name string, inner []byte) {
		if len(inner) > 0 {
			part[outer] = append(appendName(part[outer], name), closeObject(inner)...)
		}
	}
	nest("sessionContext", "sessionIssuer", part["sessionIssuer"])
	nest("sessionContext", "attributes", part["attributes"])
	nest("userIdentity", "sessionContext", part["sessionContext"])
	nest("", "userIdentity", part["userIdentity"])
	return closeObject(part[""])
}
