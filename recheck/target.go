package recheck

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Kind is a kind of thing that can be asked about.
type Kind struct {
	Rule   string // id of the shipped rule whose issues are re-checked
	Name   string // of its folder in detections
	Action string // IAM action of the call
	ask    func(*Reader) ask
	target func(t *Target, parts map[string]string) bool
	// Joined is another shipped rule that may have opened an issue of the same cause; "" for none.
	Joined string
}

// Kinds are all of them, in the order of the documentation.
func Kinds() []Kind {
	return []Kind{
		{"dd3dd7f7-d9f6-4202-8530-2362b10c63f4", "aws/ec2-security-group-admin-port-open", "ec2:DescribeSecurityGroups", groupEntry, entryTarget, ""},
		{"6eeb08a6-c13f-4f08-a0bd-a20ed53d9c8d", "aws/ec2-security-group-data-port-open", "ec2:DescribeSecurityGroups", groupEntry, entryTarget, ""},
		{"076ca0e2-53f7-4264-a5e1-25c7e48a1657", "aws/ebs-snapshot-shared", "ec2:DescribeSnapshotAttribute", snapshotShare, shareTarget("snapshotId", snapshotID), "bf6ab222-aa64-4af2-8445-5ba70ddef54b"},
		{"24d3377a-611c-4885-aeec-b14a2bb8c0e9", "aws/ec2-image-shared", "ec2:DescribeImageAttribute", imageShare, shareTarget("imageId", imageID), "377a08bc-ba2a-4e1a-be98-25463add7c82"},
		{"5d44b137-b636-4587-bfed-431abba131be", "aws/rds-snapshot-shared", "rds:DescribeDBSnapshotAttributes", databaseShare, shareTarget("dBSnapshotIdentifier", databaseID), "61ced431-c090-42a4-918e-8292c03eb53d"},
		{"5d44b137-b636-4587-bfed-431abba131be", "aws/rds-snapshot-shared", "rds:DescribeDBClusterSnapshotAttributes", clusterShare, shareTarget("dBClusterSnapshotIdentifier", databaseID), "61ced431-c090-42a4-918e-8292c03eb53d"},
		{"0846ea80-4e0e-4880-a811-22b4c5aef900", "aws/s3-public-access-block-removed", "s3:GetBucketPublicAccessBlock", accessBlock, bucketTarget, ""},
		{"777eef25-9460-46a3-bb0d-8e883b28e4bf", "aws/s3-bucket-policy-public", "s3:GetBucketPolicyStatus", policyStatus, bucketTarget, ""},
	}
}

// Target is what is asked about one issue.
type Target struct {
	Kind            Kind
	Account, Region string
	ID              string // of the resource
	// With is the account, group, organisation or unit that it is shared with.
	With string
	// The entry of a security group.
	Protocol string // tcp, udp, or -1 for all
	From, To int
	Network  netip.Prefix
}

// Local reports whether the id means something else in another region.
func (t *Target) Local() bool { return strings.HasPrefix(t.Kind.Action, "rds:") }

var (
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	regionName = regexp.MustCompile(`^(af|ap|ca|cn|eu|il|me|mx|sa|us)-(gov-)?[a-z]{4,9}-[0-9]{1,2}$`)
	groupID    = regexp.MustCompile(`^sg-[0-9a-z]{1,40}$`)
	snapshotID = regexp.MustCompile(`^snap-[0-9a-z]{1,40}$`)
	imageID    = regexp.MustCompile(`^ami-[0-9a-z]{1,40}$`)
	databaseID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,254}$`)
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	shareWord  = regexp.MustCompile(`^(all|[0-9]{12}|arn:aws[a-z-]*:organizations::[0-9]{12}:[a-z]+/[A-Za-z0-9/-]{1,150})$`)
)

// TargetOf says what to ask about an issue; false for one that cannot be asked about.
func TargetOf(is *yagura.Issue) (Target, bool) {
	if is.Kind != yagura.Posture || is.Latest == nil || is.Format != "aws.cloudtrail" {
		return Target{}, false
	}
	account, rule, parts, ok := split(is.CauseKey)
	if !ok || account != is.Account || !accountID.MatchString(account) || !regionName.MatchString(is.Latest.Event.Region) {
		return Target{}, false
	}
	for _, k := range Kinds() {
		t := Target{Kind: k, Account: account, Region: is.Latest.Event.Region}
		if k.Rule == rule && (is.Rule.ID == rule || k.Joined != "" && is.Rule.ID == k.Joined) && k.target(&t, parts) {
			return t, true
		}
	}
	return Target{}, false
}

// split takes the key of an issue apart, which is v1|tenant|account|rule word=value and so on.
func split(key string) (account, rule string, parts map[string]string, ok bool) {
	outer := strings.SplitN(key, "|", 4)
	if len(outer) != 4 || outer[0] != "v1" {
		return "", "", nil, false
	}
	words, ok := cutWords(outer[3])
	if !ok || len(words) == 0 {
		return "", "", nil, false
	}
	parts = map[string]string{}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if _, twice := parts[name]; !ok || twice || strings.HasPrefix(value, `"`) {
			return "", "", nil, false // what has to be quoted is no id
		}
		parts[name] = value
	}
	return outer[2], words[0], parts, true
}

// cutWords splits at spaces that stand in no quotes.
func cutWords(s string) ([]string, bool) {
	var words []string
	for s != "" {
		n := 0
		for n < len(s) && s[n] != ' ' {
			if s[n] != '"' {
				n++
				continue
			}
			q, err := strconv.QuotedPrefix(s[n:])
			if err != nil {
				return nil, false
			}
			n += len(q)
		}
		words, s = append(words, s[:n]), strings.TrimPrefix(s[n:], " ")
	}
	return words, true
}

// entryTarget reads an entry of a security group. A group that the record names by its name
// is not asked about: another may have the name by now.
func entryTarget(t *Target, parts map[string]string) bool {
	var okFrom, okTo bool
	t.ID, t.Protocol = parts["group"], protocol(parts["protocol"])
	t.From, okFrom = port(parts["from"])
	t.To, okTo = port(parts["to"])
	cidr, cidr6 := parts["cidr"], parts["cidr6"]
	if cidr != "" && cidr6 != "" {
		return false
	}
	network, err := netip.ParsePrefix(cidr + cidr6)
	t.Network = network.Masked()
	switch {
	case err != nil || !groupID.MatchString(t.ID):
		return false
	case t.Protocol == "-1":
		t.From, t.To = 0, 0 // the service passes over them
		return true
	}
	return (t.Protocol == "tcp" || t.Protocol == "udp") && okFrom && okTo
}

// protocol is the word of a protocol, which may be given by its number.
func protocol(s string) string {
	switch s = strings.ToLower(s); s {
	case "6":
		return "tcp"
	case "17":
		return "udp"
	}
	return s
}

func port(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil
}

// shareTarget reads who something is shared with.
func shareTarget(field string, id *regexp.Regexp) func(*Target, map[string]string) bool {
	return func(t *Target, parts map[string]string) bool {
		t.ID = parts["requestParameters."+field]
		n := 0
		for _, word := range []string{"with", "group", "organization", "unit"} {
			if parts[word] != "" {
				t.With = parts[word]
				n++
			}
		}
		return n == 1 && id.MatchString(t.ID) && shareWord.MatchString(t.With)
	}
}

// bucketTarget reads a bucket; the guard of a whole account has none.
func bucketTarget(t *Target, parts map[string]string) bool {
	t.ID = parts["requestParameters.bucketName"]
	return bucketName.MatchString(t.ID)
}
