package app

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store/storetest"
)

// entry is one entry of a security group as the answers of EC2 have it.
type entry struct {
	id   string
	port int
	cidr string
}

func (e entry) isV6() bool { return strings.Contains(e.cidr, ":") }

// answer is what EC2 answered to a call about entries.
func answerOf(set string, list ...entry) string {
	var items []string
	for _, e := range list {
		word := "cidrIpv4"
		if e.isV6() {
			word = "cidrIpv6"
		}
		items = append(items, fmt.Sprintf(`{"groupOwnerId":"111122223333","groupId":"sg-1","securityGroupRuleId":"%s","isEgress":false,"ipProtocol":"tcp","fromPort":%d,"toPort":%d,"%s":"%s"}`,
			e.id, e.port, e.port, word, e.cidr))
	}
	return fmt.Sprintf(`{"requestId":"r","_return":true,"%s":{"items":[%s]}}`, set, strings.Join(items, ","))
}

// permissions is the request for entries: those of one port are one permission.
func permissions(list ...entry) string {
	var ports []int
	for _, e := range list {
		if !slices.Contains(ports, e.port) {
			ports = append(ports, e.port)
		}
	}
	var items []string
	for _, port := range ports {
		var v4, v6 []string
		for _, e := range list {
			switch {
			case e.port != port:
			case e.isV6():
				v6 = append(v6, fmt.Sprintf(`{"cidrIpv6":"%s"}`, e.cidr))
			default:
				v4 = append(v4, fmt.Sprintf(`{"cidrIp":"%s","description":"a, \"quoted\" ] one"}`, e.cidr))
			}
		}
		items = append(items, fmt.Sprintf(`{"ipProtocol":"tcp","fromPort":%d,"toPort":%d,"groups":{},"ipRanges":%s,"ipv6Ranges":%s,"prefixListIds":{}}`, port, port, ranges(v4), ranges(v6)))
	}
	return fmt.Sprintf(`{"groupId":"sg-1","ipPermissions":{"items":[%s]}}`, strings.Join(items, ","))
}

func ranges(list []string) string {
	if list == nil {
		return "{}"
	}
	return `{"items":[` + strings.Join(list, ",") + `]}`
}

func byID(ids ...string) string {
	for i, id := range ids {
		ids[i] = fmt.Sprintf(`{"securityGroupRuleId":"%s"}`, id)
	}
	return `{"groupId":"sg-1","ipPermissions":{},"securityGroupRuleIds":{"items":[` + strings.Join(ids, ",") + `]}}`
}

func changed(list ...entry) string {
	var items []string
	for _, e := range list {
		items = append(items, fmt.Sprintf(`{"SecurityGroupRule":{"IpProtocol":"tcp","FromPort":%d,"ToPort":%d,"CidrIpv4":"%s"},"SecurityGroupRuleId":"%s","tag":1}`, e.port, e.port, e.cidr, e.id))
	}
	one := items[0]
	if len(items) > 1 {
		one = "[" + strings.Join(items, ",") + "]"
	}
	return `{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1","SecurityGroupRule":` + one + `}}`
}

// answered puts an answer into a record.
func answered(record, response string) string {
	return strings.Replace(record, `"responseElements":null`, `"responseElements":`+response, 1)
}

const ec2 = "ec2.amazonaws.com"

// open authorizes entries in one call, with the answer that lists them with their ids.
func open(at string, list ...entry) string {
	return answered(trail(at, ec2, "AuthorizeSecurityGroupIngress", permissions(list...)), answerOf("securityGroupRuleSet", list...))
}

// openOld is open as records had it before entries had ids.
func openOld(at string, list ...entry) string {
	return answered(trail(at, ec2, "AuthorizeSecurityGroupIngress", permissions(list...)), `{"_return":true}`)
}

func revoke(at string, list ...entry) string {
	return answered(trail(at, ec2, "RevokeSecurityGroupIngress", permissions(list...)), answerOf("revokedSecurityGroupRuleSet", list...))
}

func revokeOld(at string, list ...entry) string {
	return answered(trail(at, ec2, "RevokeSecurityGroupIngress", permissions(list...)), `{"_return":true}`)
}

// revokeID revokes by id; the answer of old records does not say what it was.
func revokeID(at string, ids ...string) string {
	return answered(trail(at, ec2, "RevokeSecurityGroupIngress", byID(ids...)), `{"_return":true}`)
}

func revokeIDAnswered(at string, list ...entry) string {
	var ids []string
	for _, e := range list {
		ids = append(ids, e.id)
	}
	return answered(trail(at, ec2, "RevokeSecurityGroupIngress", byID(ids...)), answerOf("revokedSecurityGroupRuleSet", list...))
}

func modify(at string, list ...entry) string {
	return answered(trail(at, ec2, "ModifySecurityGroupRules", changed(list...)), `{"ModifySecurityGroupRulesResponse":{"return":true}}`)
}

var (
	v4    = entry{"sgr-4", 22, "0.0.0.0/0"}
	v6    = entry{"sgr-6", 22, "::/0"}
	rdp   = entry{"sgr-r", 3389, "0.0.0.0/0"}
	inner = entry{"sgr-i", 22, "10.0.0.0/8"}
	https = entry{"sgr-w", 443, "0.0.0.0/0"}
)

// wholeAnswer is an entry for all protocols and ports as answers have it, and whole a call
// about it, which names no port.
const wholeAnswer = `{"groupOwnerId":"111122223333","groupId":"sg-1","securityGroupRuleId":"sgr-a","isEgress":false,"ipProtocol":"-1","fromPort":-1,"toPort":-1,"cidrIpv4":"0.0.0.0/0"}`

func whole(name, at, response string) string {
	return answered(trail(at, ec2, name, `{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"-1","groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}`), response)
}

func at(hour int) string { return fmt.Sprintf("2026-03-02T%02d:00:00Z", hour) }

// state writes the issues about a group: which entry they are of, status and episode.
func (s *stand) state(group string) string {
	var out []string
	for _, is := range s.issues() {
		_, what, ok := strings.Cut(is.CauseKey, " group="+group+" ")
		if !ok {
			continue
		}
		for _, name := range []struct{ key, as string }{{"protocol=tcp from=22 to=22 cidr=0.0.0.0/0", "v4"}, {"protocol=tcp from=22 to=22 cidr6=::/0", "v6"},
			{"protocol=tcp from=3389 to=3389 cidr=0.0.0.0/0", "rdp"}, {"protocol=-1 cidr=0.0.0.0/0", "all"}} {
			if what == name.key {
				what = name.as
			}
		}
		out = append(out, fmt.Sprintf("%s %s %d", what, is.Status, is.Episode))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestEntries: every entry of a security group is a cause of its own, in however many calls
// entries are opened and revoked, and by whatever name.
func TestEntries(t *testing.T) {
	type step struct {
		post []string
		want string
	}
	cases := []struct {
		name  string
		steps []step
	}{
		{"one call opens two, two calls revoke", []step{
			{[]string{open(at(9), v4, rdp, inner)}, "rdp open 1, v4 open 1"},
			{[]string{revoke(at(10), v4)}, "rdp open 1, v4 closed 1"},
			{[]string{revoke(at(11), rdp)}, "rdp closed 1, v4 closed 1"},
			{[]string{open(at(12), rdp, v4)}, "rdp open 2, v4 open 2"},
		}},
		{"two ranges of one permission", []step{
			{[]string{openOld(at(9), v4, v6, inner)}, "v4 open 1, v6 open 1"},
			{[]string{revokeOld(at(10), v6)}, "v4 open 1, v6 closed 1"},
			{[]string{revokeOld(at(11), v4, inner)}, "v4 closed 1, v6 closed 1"},
			{[]string{openOld(at(12), v6)}, "v4 closed 1, v6 open 2"},
		}},
		{"two calls open, one revokes", []step{
			{[]string{open(at(8), v4), open(at(9), rdp)}, "rdp open 1, v4 open 1"},
			{[]string{revoke(at(10), v4, rdp)}, "rdp closed 1, v4 closed 1"},
		}},
		{"the answer may be missing on one side", []step{
			{[]string{open(at(8), v4), openOld(at(9), rdp)}, "rdp open 1, v4 open 1"},
			{[]string{revokeOld(at(10), v4), revoke(at(10), rdp)}, "rdp closed 1, v4 closed 1"},
		}},
		{"a record whose answer is another's", []step{
			{[]string{strings.Replace(openOld(at(9), v4), `{"_return":true}`, answerOf("securityGroupRuleSet", rdp), 1), strings.Replace(openOld(at(10), rdp), `{"_return":true}`, answerOf("securityGroupRuleSet", rdp), 1)}, "rdp open 1, v4 open 1"},
			{[]string{strings.Replace(revokeOld(at(11), v4), `{"_return":true}`, answerOf("revokedSecurityGroupRuleSet", rdp), 1)}, "rdp open 1, v4 closed 1"},
		}},
		{"by id", []step{
			{[]string{open(at(9), v4, rdp)}, "rdp open 1, v4 open 1"},
			{[]string{revokeID(at(10), "sgr-r")}, "rdp closed 1, v4 open 1"},
			{[]string{revokeIDAnswered(at(11), v4)}, "rdp closed 1, v4 closed 1"},
			{[]string{open(at(12), entry{"sgr-again", 22, "0.0.0.0/0"})}, "rdp closed 1, v4 open 2"},
			{[]string{revokeID(at(13), "sgr-again", "sgr-r", "sgr-nobody")}, "rdp closed 1, v4 closed 2"},
		}},
		{"by id in one batch, whatever the order", []step{
			{[]string{open(at(9), v4, rdp), revokeID(at(10), "sgr-r")}, "rdp closed 1, v4 open 1"},
			{[]string{revokeID(at(13), "sgr-new"), open(at(12), entry{"sgr-new", 3389, "0.0.0.0/0"})}, "rdp closed 1, v4 open 1"},
		}},
		{"the id comes before the entry", []step{
			{[]string{revokeID(at(10), "sgr-4")}, ""},
			{[]string{open(at(9), v4, rdp)}, "rdp open 1, v4 closed 1"},
			{[]string{open(at(11), entry{"sgr-again", 22, "0.0.0.0/0"})}, "rdp open 1, v4 open 2"},
		}},
		{"the revocation comes before the entry", []step{
			{[]string{revoke(at(10), v4)}, ""},
			{[]string{open(at(9), v4, rdp)}, "rdp open 1, v4 closed 1"},
		}},
		{"a second opening and its revocation by id come before the first revocation", []step{
			{[]string{open(at(9), v4)}, "v4 open 1"},
			{[]string{revokeID(at(12), "sgr-again")}, "v4 open 1"},
			{[]string{open(at(11), entry{"sgr-again", 22, "0.0.0.0/0"})}, "v4 closed 1"},
			{[]string{revoke(at(10), v4)}, "v4 closed 1"},
			{[]string{open(at(13), v4)}, "v4 open 2"},
		}},
		{"narrowed and widened in place", []step{
			{[]string{open(at(9), v4, rdp)}, "rdp open 1, v4 open 1"},
			{[]string{modify(at(10), entry{"sgr-r", 3389, "10.0.0.0/8"})}, "rdp closed 1, v4 open 1"},
			{[]string{modify(at(11), entry{"sgr-4", 22, "10.0.0.0/8"}, rdp)}, "rdp open 2, v4 closed 1"},
			{[]string{revokeID(at(12), "sgr-r")}, "rdp closed 2, v4 closed 1"},
		}},
		{"all of it, with ports and without", []step{
			{[]string{whole("AuthorizeSecurityGroupIngress", at(9), `{"securityGroupRuleSet":{"items":[`+wholeAnswer+`]}}`)}, "all open 1"},
			{[]string{whole("RevokeSecurityGroupIngress", at(10), `{"_return":true}`)}, "all closed 1"},
			{[]string{whole("AuthorizeSecurityGroupIngress", at(11), `{"_return":true}`)}, "all open 2"},
			{[]string{answered(trail(at(12), ec2, "RevokeSecurityGroupIngress", byID("sgr-a")), `{"revokedSecurityGroupRuleSet":{"items":[`+wholeAnswer+`]}}`)}, "all closed 2"},
		}},
		{"nothing dangerous", []step{
			{[]string{open(at(9), inner, https), revoke(at(10), inner, https), modify(at(11), inner, https)}, ""},
			{[]string{open(at(12), inner, https, rdp)}, "rdp open 1"},
		}},
	}
	bothStores(t, func(t *testing.T, url string) {
		s := newStand(t)
		s.cfg.Store, s.cfg.Sinks = config.Secret(url), nil
		s.start()
		for n, c := range cases {
			for i, x := range c.steps {
				var records []string
				for _, r := range x.post {
					records = append(records, inGroup(r, n))
				}
				s.post(records...)
				if got := s.state(fmt.Sprintf("sg-%d", n)); got != x.want {
					t.Errorf("%s: step %d: %s, want %s", c.name, i+1, got, x.want)
					break
				}
			}
		}
	})
}

// TestEntriesTold: two entries of one call are two tickets, and each is closed by itself.
func TestEntriesTold(t *testing.T) {
	s := newStand(t)
	s.start()
	s.post(open(at(9), v4, rdp, inner))
	s.settled()
	s.post(revokeID(at(10), "sgr-r"))
	s.settled()
	var shown []bool
	for _, x := range s.gh.Issues("acme/security") {
		shown = append(shown, x.Open)
	}
	if len(shown) != 2 || shown[0] == shown[1] || len(s.pd.Incidents()) != 2 {
		t.Errorf("tickets open: %v, %d incidents", shown, len(s.pd.Incidents()))
	}
}

// inGroup is a record about another group.
func inGroup(record string, n int) string {
	return strings.ReplaceAll(record, `"sg-1"`, fmt.Sprintf(`"sg-%d"`, n))
}

// TestSharedEntries: what is shared with several is as many causes, and each ends by itself.
func TestSharedEntries(t *testing.T) {
	const snapshot, image, database, member = "EBS snapshot shared outside the account", "Machine image shared outside the account", "Database snapshot shared outside the account", "Resource opened to everyone by IAM"
	// The rules about everybody join these.
	public := []string{"EBS snapshot made public", "Machine image made public", "Database snapshot made public"}
	users := func(verb string, ids ...string) string {
		var out []string
		for _, id := range ids {
			word := "userId"
			if id == "all" {
				word = "group"
			}
			out = append(out, fmt.Sprintf(`{"%s":"%s"}`, word, id))
		}
		return `"` + verb + `":{"items":[` + strings.Join(out, ",") + `]}`
	}
	iam := func(at string, deltas ...string) string {
		eventNumber++
		return fmt.Sprintf(`{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","status":{},"authenticationInfo":{"principalEmail":"alice@example.com"},"requestMetadata":{"callerIp":"198.51.100.7"},`+
			`"serviceName":"storage.googleapis.com","methodName":"storage.setIamPermissions","resourceName":"projects/_/buckets/example-data","serviceData":{"@type":"type.googleapis.com/google.iam.v1.logging.AuditData","policyDelta":{"bindingDeltas":[%s]}}},`+
			`"insertId":"ex%d","resource":{"type":"gcs_bucket","labels":{"project_id":"example-project"}},"timestamp":"%s","severity":"NOTICE","logName":"projects/example-project/logs/cloudaudit.googleapis.com%%2Factivity"}`, strings.Join(deltas, ","), eventNumber, at)
	}
	delta := func(action, role, member string) string {
		return fmt.Sprintf(`{"action":"%s","role":"roles/%s","member":"%s"}`, action, role, member)
	}
	for _, c := range []struct {
		name, title      string
		open, part, rest string
		causes           int
	}{
		{"EBS", snapshot,
			trail(at(9), ec2, "ModifySnapshotAttribute", `{"snapshotId":"snap-1","createVolumePermission":{`+users("add", "222233334444", "all", "333344445555")+`},"attributeType":"CREATE_VOLUME_PERMISSION"}`),
			trail(at(10), ec2, "ModifySnapshotAttribute", `{"snapshotId":"snap-1","createVolumePermission":{`+users("remove", "all")+`},"attributeType":"CREATE_VOLUME_PERMISSION"}`),
			trail(at(11), ec2, "ModifySnapshotAttribute", `{"snapshotId":"snap-1","createVolumePermission":{`+users("remove", "333344445555", "222233334444")+`},"attributeType":"CREATE_VOLUME_PERMISSION"}`), 3},
		{"AMI", image,
			trail(at(9), ec2, "ModifyImageAttribute", `{"imageId":"ami-1","launchPermission":{`+users("add", "222233334444", "all")+`},"attributeType":"launchPermission"}`),
			trail(at(10), ec2, "ModifyImageAttribute", `{"imageId":"ami-1","launchPermission":{`+users("remove", "222233334444")+`},"attributeType":"launchPermission"}`),
			trail(at(11), ec2, "ModifyImageAttribute", `{"imageId":"ami-1","launchPermission":{`+users("remove", "all")+`},"attributeType":"launchPermission"}`), 2},
		{"RDS", database,
			trail(at(9), "rds.amazonaws.com", "ModifyDBSnapshotAttribute", `{"dBSnapshotIdentifier":"s","attributeName":"restore","valuesToAdd":["all","222233334444"]}`),
			trail(at(10), "rds.amazonaws.com", "ModifyDBSnapshotAttribute", `{"dBSnapshotIdentifier":"s","attributeName":"restore","valuesToRemove":["all"]}`),
			trail(at(11), "rds.amazonaws.com", "ModifyDBSnapshotAttribute", `{"dBSnapshotIdentifier":"s","attributeName":"restore","valuesToRemove":["222233334444"]}`), 2},
		{"Google IAM", member,
			iam(at(9), delta("ADD", "storage.objectViewer", "allUsers"), delta("ADD", "storage.admin", "user:carol@example.com"), delta("ADD", "storage.legacyBucketReader", "allUsers")),
			iam(at(10), delta("REMOVE", "storage.objectViewer", "allUsers"), delta("ADD", "storage.admin", "user:dave@example.com")),
			iam(at(11), delta("REMOVE", "storage.legacyBucketReader", "allUsers")), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t)
			s.start()
			for i, x := range []struct {
				post string
				open int
			}{{c.open, c.causes}, {c.part, c.causes - 1}, {c.rest, 0}} {
				s.post(x.post)
				open, all := 0, 0
				for _, is := range s.issues() {
					if is.Title == c.title || slices.Contains(public, is.Title) {
						all++
						if is.Status != yagura.StatusClosed {
							open++
						}
					}
				}
				if open != x.open || all != c.causes {
					t.Fatalf("step %d: %d open of %d, want %d of %d", i+1, open, all, x.open, c.causes)
				}
			}
		})
	}
}

// TestRevokedMeanwhile: what is opened and revoked at one moment, seen by two replicas, ends
// closed, whichever of them is first.
func TestRevokedMeanwhile(t *testing.T) {
	first := newStand(t)
	first.cfg.Store = config.Secret(storetest.Postgres(t))
	cfg := *first.cfg
	cfg.Data = t.TempDir()
	second := &stand{t: t, cfg: &cfg, gh: first.gh, pd: first.pd}
	first.start()
	second.start()
	const groups = 60
	var sends sync.WaitGroup
	for n := range groups {
		e := entry{fmt.Sprintf("sgr-%d", n), 22, "0.0.0.0/0"}
		opened, gone := inGroup(open(at(9), e), n), inGroup(revokeID(at(10), e.id), n)
		if n%2 == 0 {
			gone = inGroup(revoke(at(10), e), n)
		}
		for s, record := range map[*stand]string{first: opened, second: gone} {
			sends.Go(func() {
				if err := s.send(record); err != nil {
					t.Error(err)
				}
			})
		}
	}
	sends.Wait()
	first.until("all is judged and kept", func() bool {
		l := first.ledger()
		return len(l.Sources) == 1 && l.Sources[0].Judged == 2*groups && l.Sources[0].Kept == 2*groups
	})
	closed := 0
	for _, is := range first.issues() {
		if is.Title == "Remote administration port opened to the internet" && is.Status == yagura.StatusClosed {
			closed++
		}
	}
	if closed != groups {
		t.Errorf("%d of %d are closed", closed, groups)
	}
}
