package falco

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura/query"
)

const amazonaws = ".amazonaws.com"

// cloudtrailFields are the fields of Falco's plugin cloudtrail 0.17.1, those that
// its list hides included.
func cloudtrailFields() catalogue {
	c := catalogue{}
	for name, path := range map[string]string{
		"ct.id":                                  "eventID",
		"ct.error":                               "errorCode",
		"ct.errormessage":                        "errorMessage",
		"ct.time":                                "eventTime",
		"ct.src":                                 "eventSource",
		"ct.name":                                "eventName",
		"ct.user.identitytype":                   "userIdentity.type",
		"ct.user.principalid":                    "userIdentity.principalId",
		"ct.user.arn":                            "userIdentity.arn",
		"ct.region":                              "awsRegion",
		"ct.response.subnetid":                   "responseElements.subnetId",
		"ct.response.reservationid":              "responseElements.reservationId",
		"ct.request.availabilityzone":            "requestParameters.availabilityZone",
		"ct.request.cluster":                     "requestParameters.cluster",
		"ct.request.functionname":                "requestParameters.functionName",
		"ct.request.groupname":                   "requestParameters.groupName",
		"ct.request.host":                        "requestParameters.Host",
		"ct.request.name":                        "requestParameters.name",
		"ct.request.policy":                      "requestParameters.policy",
		"ct.request.reason":                      "requestParameters.reason",
		"ct.request.target":                      "requestParameters.target",
		"ct.request.serialnumber":                "requestParameters.serialNumber",
		"ct.request.servicename":                 "requestParameters.serviceName",
		"ct.request.subnetid":                    "requestParameters.subnetId",
		"ct.request.taskdefinition":              "requestParameters.taskDefinition",
		"ct.request.username":                    "requestParameters.userName",
		"ct.srcip":                               "sourceIPAddress",
		"ct.useragent":                           "userAgent",
		"ct.requestid":                           "requestID",
		"ct.eventtype":                           "eventType",
		"ct.apiversion":                          "apiVersion",
		"ct.recipientaccountid":                  "recipientAccountId",
		"ct.serviceeventdetails":                 "serviceEventDetails",
		"ct.sharedeventid":                       "sharedEventID",
		"ct.vpcendpointid":                       "vpcEndpointId",
		"ct.eventcategory":                       "eventCategory",
		"ct.addendum.reason":                     "addendum.reason",
		"ct.addendum.updatedfields":              "addendum.updatedFields",
		"ct.addendum.originalrequestid":          "addendum.originalRequestID",
		"ct.addendum.originaleventid":            "addendum.originalEventID",
		"ct.edgedevicedetails":                   "edgeDeviceDetails",
		"ct.tlsdetails.tlsversion":               "tlsDetails.tlsVersion",
		"ct.tlsdetails.ciphersuite":              "tlsDetails.cipherSuite",
		"ct.tlsdetails.clientprovidedhostheader": "tlsDetails.clientProvidedHostHeader",
		"s3.bucket":                              "requestParameters.bucketName",
		"s3.key":                                 "requestParameters.key",
		"ecr.repository":                         "requestParameters.repositoryName",
		"ecr.imagetag":                           "requestParameters.imageTag",
		"iam.role":                               "requestParameters.roleName",
		"iam.policy":                             "requestParameters.policyName",
	} {
		c[name] = plainText(strings.Split(path, ".")...)
	}
	c["ct.shortsrc"] = computed(func(in query.Input, out *query.Values) {
		if src, ok := dep(in, 0); ok {
			out.Add(shortSource(src))
		}
	}, textAt("eventSource"))
	c["ct.user"] = computed(func(in query.Input, out *query.Values) {
		if user, ok := ctUser(in, 0); ok {
			out.Add(user)
		}
	}, ctUserDeps()...)
	c["ct.originaluser"] = computed(ctOriginalUser, textAt("userIdentity", "type"), textAt("userIdentity", "userName"),
		textAt("userIdentity", "arn"), textAt("userIdentity", "principalId"))
	c["ct.user.accountid"] = computed(firstPresent, textAt("userIdentity", "accountId"), textAt("recipientAccountId"))
	c["ct.response"] = computed(marshalled, both("responseElements")...)
	c["ct.request"] = computed(marshalled, both("requestParameters")...)
	c["ct.additionaleventdata"] = computed(marshalled, both("additionalEventData")...)
	c["ct.info"] = computed(func(in query.Input, out *query.Values) { out.Add(ctInfo(nil, in, 0)) }, ctInfoDeps()...)
	c["ct.managementevent"] = computed(trueOrFalse, both("managementEvent")...)
	c["ct.readonly"] = computed(trueOrFalse, both("readOnly")...)
	c["ct.sessioncredentialfromconsole"] = computed(trueOrFalse, both("sessionCredentialFromConsole")...)
	c["ct.sessioncredentialfromconsole"].note = `ct.sessioncredentialfromconsole is "true" only for a JSON boolean, ` +
		`and CloudTrail writes the string "true": ask json.value[/sessionCredentialFromConsole] instead`
	c["ct.request.documentname"] = computed(func(query.Input, *query.Values) {}, textAt("requestParameters", "documentName"))
	c["ct.request.documentname"].note = "ct.request.documentname never has a value in Falco: " +
		"ask json.value[/requestParameters/documentName] instead"
	c["ct.resources"] = computed(ctResources, rawAt("resources"))
	addS3Fields(c)
	c["ec2.name"] = computed(ec2Name, rawAt("requestParameters", "tagSpecificationSet", "items"))
	c["ec2.imageid"] = computed(func(in query.Input, out *query.Values) {
		if raw, ok := dep(in, 0); ok {
			addImages(raw, 0, out)
		}
	}, rawAt("responseElements", "instancesSet", "items"))
	c["ec2.imageids"] = &fieldDef{list: true, arg: argIndex, bind: func(arg string) fieldDef {
		return *computed(func(in query.Input, out *query.Values) { ec2Images(in, index(arg), out) },
			rawAt("responseElements", "instancesSet", "items"), rawAt("requestParameters", "instancesSet", "items"),
			textAt("requestParameters", "imageId"))
	}}
	return c
}

func addS3Fields(c catalogue) {
	received := both("additionalEventData", "bytesTransferredIn")
	sent := both("additionalEventData", "bytesTransferredOut")
	sum := func(in query.Input, out *query.Values) {
		total, any := uint64(0), false
		for i := 0; i < 4; i += 2 {
			if n, ok := depUint(in, i); ok {
				total, any = total+n, true
			}
		}
		if any {
			addUint(out, total)
		}
	}
	one := func(in query.Input, out *query.Values) {
		if n, ok := depUint(in, 0); ok {
			addUint(out, n)
		}
	}
	c["s3.bytes"] = computed(sum, append(append([]query.Field{}, received...), sent...)...)
	c["s3.bytes.in"] = computed(one, received...)
	c["s3.bytes.out"] = computed(one, sent...)
	count := func(is func(name string) bool) *fieldDef {
		return computed(func(in query.Input, out *query.Values) {
			if name, _ := dep(in, 0); is(string(name)) {
				out.AddString("1")
			}
		}, textAt("eventName"))
	}
	c["s3.cnt.get"] = count(func(name string) bool { return name == "GetObject" })
	c["s3.cnt.put"] = count(func(name string) bool { return name == "PutObject" })
	c["s3.cnt.other"] = count(func(name string) bool { return name != "GetObject" && name != "PutObject" })
	for _, name := range []string{"s3.bytes", "s3.bytes.in", "s3.bytes.out", "s3.cnt.get", "s3.cnt.put", "s3.cnt.other"} {
		c[name].typ = tUint
	}
	c["s3.uri"] = computed(func(in query.Input, out *query.Values) {
		bucket, ok := depString(in, 0)
		key, ok2 := depString(in, 2)
		if ok && ok2 {
			out.AddString("s3://" + string(bucket) + "/" + string(key))
		}
	}, append(both("requestParameters", "bucketName"), both("requestParameters", "key")...)...)
}

// shortSource drops the domain of AWS from an event source.
func shortSource(src []byte) []byte {
	if len(src) > len(amazonaws) && bytes.HasSuffix(src, []byte(amazonaws)) {
		return src[:len(src)-len(amazonaws)]
	}
	return src
}

func firstPresent(in query.Input, out *query.Values) {
	for i := range 2 {
		if v, ok := dep(in, i); ok {
			out.Add(v)
			return
		}
	}
}

// trueOrFalse yields "true" for the JSON true and "false" for any other value.
func trueOrFalse(in query.Input, out *query.Values) {
	if _, ok := dep(in, 0); !ok {
		return
	}
	if depTrue(in, 0) {
		out.AddString("true")
	} else {
		out.AddString("false")
	}
}

// ctUserDeps are what [ctUser] reads, starting at the number that it is given.
func ctUserDeps() []query.Field {
	return []query.Field{
		textAt("userIdentity", "type"), textAt("userIdentity", "userName"),
		textAt("userIdentity", "invokedBy"), textAt("userIdentity", "sessionContext", "sessionIssuer", "userName"),
		rawAt("userIdentity", "type"),
	}
}

// ctUser names the user of an event by the type of its identity. Without a user it
// returns what Falco prints in its place.
func ctUser(in query.Input, at int) (user []byte, ok bool) {
	kind, ok := dep(in, at)
	if raw, _ := dep(in, at+4); !ok || string(raw) != string(kind) {
		return nil, false
	}
	switch string(kind) {
	case "Root", "IAMUser":
		user, ok = dep(in, at+1)
	case "AWSService":
		user, ok = dep(in, at+2)
	case "AssumedRole":
		if user, ok = dep(in, at+3); !ok {
			return []byte("AssumedRole"), true
		}
	case "AWSAccount", "FederatedUser":
		return kind, true
	default:
		return []byte("<unknown user type>"), false
	}
	if !ok {
		return []byte("<NA>"), false
	}
	return user, true
}

// ctOriginalUser is the session name of an assumed role, from its ARN or its
// principal, and the user name of any other identity.
func ctOriginalUser(in query.Input, out *query.Values) {
	if kind, _ := dep(in, 0); string(kind) == "AssumedRole" {
		if arn, ok := dep(in, 2); ok {
			if i := bytes.LastIndexByte(arn, '/'); i >= 0 && i+1 < len(arn) {
				out.Add(arn[i+1:])
				return
			}
		}
		if principal, ok := dep(in, 3); ok {
			if _, session, ok := bytes.Cut(principal, []byte(":")); ok && len(session) > 0 {
				out.Add(session)
			}
		}
		return
	}
	if name, ok := dep(in, 1); ok {
		out.Add(name)
	}
}

// ctInfoDeps are what [ctInfo] reads.
func ctInfoDeps() []query.Field {
	deps := ctUserDeps() // 0
	deps = append(deps, textAt("sourceIPAddress"), textAt("errorCode"), textAt("eventName"))
	deps = append(deps, both("readOnly")...)                                  // 8
	deps = append(deps, both("additionalEventData", "bytesTransferredIn")...) // 10
	deps = append(deps, both("additionalEventData", "bytesTransferredOut")...)
	deps = append(deps, both("requestParameters", "bucketName")...) // 14
	deps = append(deps, both("requestParameters", "key")...)
	return append(deps, textAt("requestParameters", "Host"),
		rawAt("requestParameters", "PublicAccessBlockConfiguration")) // 18, 19
}

const ctInfoCount = 20

// ctInfo is a summary of the event: who, from where, whether it failed, whether it
// read or wrote, what.
func ctInfo(dst []byte, in query.Input, at int) []byte {
	user, ok := ctUser(in, at)
	if !ok {
		return append(dst, "<invalid cloudtrail event: userIdentity field missing>"...)
	}
	ip, ok := dep(in, at+5)
	if !ok {
		return append(dst, "<invalid cloudtrail event: eventSource field missing>"...)
	}
	name, ok := dep(in, at+7)
	if !ok {
		return append(dst, "<invalid cloudtrail event: eventName field missing>"...)
	}
	dst = append(dst, user...)
	if string(user) != string(ip) {
		dst = append(append(dst, " via "...), ip...)
	}
	dst = append(dst, ' ')
	if _, failed := dep(in, at+6); failed {
		dst = append(dst, '!')
	}
	if _, known := dep(in, at+8); known && !depTrue(in, at+8) {
		dst = append(dst, "→ "...)
	} else {
		dst = append(dst, "← "...)
	}
	dst = append(dst, name...)
	if string(name) == "PutBucketPublicAccessBlock" {
		if block, ok := dep(in, at+19); ok && len(block) > 0 && block[0] == '{' {
			// Falco looks for the four flags at the top of the record, where they never are.
			dst = append(dst, " BlockPublicAcls=false BlockPublicPolicy=false IgnorePublicAcls=false RestrictPublicBuckets=false "...)
		}
		return dst
	}
	received, ok := depUint(in, at+10)
	sent, ok2 := depUint(in, at+12)
	if ok || ok2 {
		v := query.Values{}
		addUint(&v, received+sent)
		dst = append(append(dst, " Size="...), v.At(0)...)
	}
	bucket, bucketText := depString(in, at+14)
	key, keyText := depString(in, at+16)
	_, hasBucket := dep(in, at+14)
	_, hasKey := dep(in, at+16)
	switch {
	case bucketText && keyText:
		dst = append(append(dst, " URI=s3://"...), bucket...)
		dst = append(append(dst, '/'), key...)
	case hasBucket:
		dst = append(append(dst, " Bucket="...), bucket...)
	case hasKey:
		dst = append(append(dst, " Key="...), key...)
	default:
		if host, ok := dep(in, at+18); ok {
			dst = append(append(dst, " Host="...), host...)
		}
	}
	return dst
}

// cloudtrailInfo is evt.plugininfo of a CloudTrail event.
func cloudtrailInfo() (deps []query.Field, fn derivation) {
	deps = ctInfoDeps()
	deps = append(deps, both("eventSource")...)
	deps = append(deps, both("awsRegion")...)
	deps = append(deps, both("eventName")...)
	return deps, func(in query.Input, out *query.Values) {
		src, ok := depString(in, ctInfoCount)
		if !ok {
			out.AddString("<invalid JSON: event did not contain a source>")
			return
		}
		region, ok := depString(in, ctInfoCount+2)
		if !ok {
			out.AddString("<invalid JSON: event did not contain an awsRegion>")
			return
		}
		name, ok := depString(in, ctInfoCount+4)
		if !ok {
			out.AddString("<invalid JSON: event did not contain an eventName>")
			return
		}
		line := append([]byte(nil), region...)
		user, ok := ctUser(in, 0)
		if ok && len(user) > 0 {
			line = append(line, ' ')
		}
		line = append(append(line, user...), ' ')
		line = append(append(line, shortSource(src)...), ' ')
		line = append(append(line, name...), ' ')
		out.Add(ctInfo(line, in, 0))
	}
}

func ctResources(in query.Input, out *query.Values) {
	raw, ok := dep(in, 0)
	if !ok || len(raw) <= 2 || raw[0] != '[' {
		return
	}
	out.Add(raw[1 : len(raw)-1])
}

// ec2Name is the tag Name of the instances that a request makes.
func ec2Name(in query.Input, out *query.Values) {
	items, ok := dep(in, 0)
	if !ok {
		return
	}
	var name []byte
	jsonEach(items, func(_ int, item []byte) bool {
		if string(jsonString(jsonGet(item, "resourceType"))) != "instance" {
			return true
		}
		jsonEach(jsonGet(item, "tags"), func(_ int, tag []byte) bool {
			if string(jsonString(jsonGet(tag, "key"))) == "Name" {
				name = jsonString(jsonGet(tag, "value"))
				return false
			}
			return true
		})
		return true
	})
	if name = cString(name); len(name) > 0 {
		out.Add(name)
	}
}

// ec2Images yields the images of the instances in the response, else in the request.
func ec2Images(in query.Input, index int, out *query.Values) {
	for i := range 2 {
		if items, ok := dep(in, i); ok && addImages(items, index, out) {
			return
		}
	}
	if image, ok := dep(in, 2); ok && len(image) > 0 && index <= 0 {
		out.Add(image)
	}
}

// addImages adds the imageId of each of items, or of the one at index. It reports
// whether there was any image.
func addImages(items []byte, index int, out *query.Values) bool {
	found, n := false, 0
	jsonEach(items, func(_ int, item []byte) bool {
		image := cString(jsonString(jsonGet(item, "imageId")))
		if len(image) == 0 {
			return true
		}
		found = true
		if index < 0 || n == index {
			out.Add(image)
		}
		n++
		return true
	})
	return found
}

// index reads an index that is known to be digits; -1 for none.
func index(arg string) int {
	if arg == "" {
		return -1
	}
	n := 0
	for _, c := range arg {
		if n = n*10 + int(c-'0'); n > 1<<30 {
			return 1 << 30
		}
	}
	return n
}
