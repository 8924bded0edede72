package generate

import (
	"fmt"
	"time"
)

const (
	openGroup    = "sg-0b1c2d3e4f5a69788"
	minedMachine = "i-0bb7d2c49f01e3a55"
)

// minedMachines is the third story: a port is left open, somebody comes in, takes the
// credentials of the machine, starts machines of their own and mines until they are ended.
func (s *teller) minedMachines() {
	w := s.w
	// Opened for a minute each, again and again: the issue flaps, and the last time nobody
	// closes it for a day.
	for i, open := range []time.Duration{71 * hour, 70 * hour, 69 * hour, 68 * hour, 67 * hour} {
		s.entry(w.ago(open), "AuthorizeSecurityGroupIngress")
		if i < 4 {
			s.entry(w.ago(open-25*time.Minute), "RevokeSecurityGroupIngress")
		}
	}
	for i := range 12 { // they guess, and then they are in
		s.flow(w.ago(66*hour).Add(time.Duration(i)*time.Minute), Staging, "eni-0f1e2d3c4b5a60001", minerFrom, "10.30.1.12", 50000+i, 22, 24+i, 6000+i*100, true)
	}
	s.flow(w.ago(65*hour), Staging, "eni-0f1e2d3c4b5a60001", minerFrom, "10.30.1.12", 50113, 22, 900, 240000, true)
	inside := assumed(Staging, "batch-worker", "", minedMachine, "10.30.1.12", agentBoto, w.ago(64*hour))
	outside := assumed(Staging, "batch-worker", "", minedMachine, minerFrom, agentCLI+s.hex(12), w.ago(64*hour))
	t := w.ago(64 * hour)
	s.trail(t.Add(-10*time.Minute), inside, call{source: "sqs", name: "ListQueues"})
	s.trail(t, outside, call{source: "sts", name: "GetCallerIdentity"})
	s.trail(t.Add(time.Minute), outside, call{source: "ec2", name: "DescribeInstances", params: doc("instancesSet", doc(), "filterSet", doc())})
	s.trail(t.Add(2*time.Minute), outside, call{source: "ssm", name: "SendCommand", write: true, params: doc("documentName", "AWS-RunShellScript", "instanceIds", list(minedMachine), "parameters", "HIDDEN_DUE_TO_SECURITY_REASONS"), resp: doc("command", doc("commandId", s.uuid(), "documentName", "AWS-RunShellScript", "status", "Pending"))})
	s.alert(t.Add(20*time.Minute), "4ec9d1b07a6f4c2d8e5b3a1f0c9d7e62", "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS", "Credentials for the EC2 instance role batch-worker were used from an external IP address.", "Credentials created exclusively for the EC2 instance "+minedMachine+" have been used from the external IP address "+minerFrom+".", 8,
		doc("resourceType", "AccessKey", "accessKeyDetails", doc("accessKeyId", temporary(outside.arn+w.ago(64*hour).Format("2006010215")), "principalId", pick("AROAEXAMPLE", Staging+"batch-worker", upper, 10)+":"+minedMachine, "userType", "AssumedRole", "userName", "batch-worker"), "instanceDetails", doc("instanceId", minedMachine, "instanceType", "c7g.xlarge")),
		apiService(t, t.Add(20*time.Minute), "DescribeInstances", "ec2.amazonaws.com", minerFrom, 14, false))
	for i, where := range []string{"us-east-1", "us-west-2", "eu-west-1", "ap-southeast-1"} {
		c := call{source: "ec2", name: "RunInstances", region: where, write: true, params: doc("instancesSet", doc("items", list(doc("imageId", "ami-0c0ffee0123456789", "minCount", 8, "maxCount", 8))), "instanceType", "g6.12xlarge", "blockDeviceMapping", doc(), "monitoring", doc("enabled", false))}
		if i > 0 {
			c.code, c.reason = "Client.VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to."
		} else {
			var items []any
			for n := range 8 {
				items = append(items, doc("instanceId", fmt.Sprintf("i-0dead0beef00000%02d", n+1), "imageId", "ami-0c0ffee0123456789", "instanceState", doc("code", 0, "name", "pending"), "instanceType", "g6.12xlarge"))
			}
			c.resp = doc("requestId", s.uuid(), "reservationId", "r-0"+s.hex(16), "ownerId", Staging, "instancesSet", doc("items", list(items...)))
		}
		s.trail(t.Add(time.Duration(30+i)*time.Minute), outside, c)
	}
	for i := range 40 {
		s.flow(t.Add(40*time.Minute).Add(time.Duration(i*6)*time.Minute), Staging, "eni-0f1e2d3c4b5a60009", "10.31.0."+fmt.Sprint(10+i%8), minerPool, 41000+i, 3333, 300+i, 90000, true)
	}
	s.mined(t.Add(65*time.Minute), false, 3)
	s.mined(t.Add(3*hour), false, 41)
	// Takahashi ends the machines, the vendor's alert is archived.
	end := w.ago(59 * hour)
	takahashi := s.sso(s.c.byName["takahashi.ren"], Staging, "AdministratorAccess", end, false)
	var items, gone []any
	for n := range 8 {
		id := fmt.Sprintf("i-0dead0beef00000%02d", n+1)
		items, gone = append(items, doc("instanceId", id)), append(gone, doc("instanceId", id, "currentState", doc("code", 32, "name", "shutting-down"), "previousState", doc("code", 16, "name", "running")))
	}
	s.trail(end, takahashi, call{source: "ec2", name: "TerminateInstances", region: "us-east-1", write: true, params: doc("instancesSet", doc("items", list(items...))), resp: doc("requestId", s.uuid(), "instancesSet", doc("items", list(gone...)))})
	s.mined(w.ago(57*hour), true, 41)
	s.entry(w.ago(43*hour), "RevokeSecurityGroupIngress")
}

// entry opens or closes the port.
func (s *teller) entry(t time.Time, name string) {
	who := s.sso(s.c.byName["yamamoto.sho"], Staging, "PowerUserAccess", t, true)
	who.ip = officeTokyo
	s.trail(t, who, call{source: "ec2", name: name, write: true, params: doc("groupId", openGroup, "ipPermissions", doc("items", list(doc("ipProtocol", "tcp", "fromPort", 22, "toPort", 22, "groups", doc(), "ipRanges", doc("items", list(doc("cidrIp", "0.0.0.0/0"))), "ipv6Ranges", doc(), "prefixListIds", doc())))),
		resp: doc("requestId", s.uuid(), "_return", true)})
}

// mined is GuardDuty's alert about mining, in its present state.
func (s *teller) mined(t time.Time, archived bool, count int) {
	s.alert(t, "6ab3e0c15f284d7c9e0d1b2a3f4c5d6e", "CryptoCurrency:EC2/BitcoinTool.B", "The EC2 instance i-0dead0beef0000001 is communicating with a mining pool.", "EC2 instance i-0dead0beef0000001 is communicating with the IP address "+minerPool+", which is associated with mining of crypto currency.", 8,
		doc("resourceType", "Instance", "instanceDetails", doc("instanceId", "i-0dead0beef0000001", "instanceType", "g6.12xlarge", "imageId", "ami-0c0ffee0123456789", "availabilityZone", "us-east-1a", "networkInterfaces", list(doc("networkInterfaceId", "eni-0f1e2d3c4b5a60009", "privateIpAddress", "10.31.0.10")))),
		doc("serviceName", "guardduty", "detectorId", "12abc34d567e8fa901bc2d34e56789f0", "action", doc("actionType", "NETWORK_CONNECTION", "networkConnectionAction", doc("connectionDirection", "OUTBOUND", "protocol", "TCP", "blocked", false, "localPortDetails", doc("port", 41007, "portName", "Unknown"), "remotePortDetails", doc("port", 3333, "portName", "Unknown"), "remoteIpDetails", doc("ipAddressV4", minerPool, "country", doc("countryName", "Netherlands")))),
			"resourceRole", "ACTOR", "eventFirstSeen", millis(s.w.ago(63*hour)), "eventLastSeen", millis(t.Add(-2*time.Minute)), "archived", archived, "count", count))
}
