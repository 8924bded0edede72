package decode

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

// The flow logs of Azure: of network security groups (versions 1 and 2) and of virtual
// networks (version 4). A record lists the flows of a minute as texts below its rules; the
// envelope makes a record of each, with the fields that flowRecord names.

func isFlowCategory(category []byte) bool {
	return isAny(category, "NetworkSecurityGroupFlowEvent", "FlowLogFlowEvent")
}

// azureFlowLog opens a record of either kind.
var azureFlowLog = Envelope{
	Name:   "Azure flow log",
	Fields: fieldList(true, []string{"category", "properties.flows|flowRecords.flows", "time"}),
	Is: func(r *Record) bool {
		return isFlowCategory(r.scalar(0)) && r.kind(1) == slot.Array && r.has(2)
	},
	Open: func(r *Record, emit func([]byte)) error {
		var rec azureFlows
		if err := json.Unmarshal(r.Doc.Record(), &rec); err != nil {
			return err
		}
		return rec.open(emit)
	},
}

type azureFlows struct {
	Time       json.RawMessage `json:"time"`
	Category   string          `json:"category"`
	ResourceID string          `json:"resourceId"`
	FlowLogID  string          `json:"flowLogResourceID"`
	TargetID   string          `json:"targetResourceID"`
	MAC        string          `json:"macAddress"`
	Properties struct {
		Version looseText `json:"Version"`
		Flows   []struct {
			Rule  string `json:"rule"`
			Flows []struct {
				MAC    string   `json:"mac"`
				Tuples []string `json:"flowTuples"`
			} `json:"flows"`
		} `json:"flows"`
	} `json:"properties"`
	Version looseText `json:"flowLogVersion"`
	Records struct {
		Flows []struct {
			ACL    string `json:"aclID"`
			Groups []struct {
				Rule   string   `json:"rule"`
				Tuples []string `json:"flowTuples"`
			} `json:"flowGroups"`
		} `json:"flows"`
	} `json:"flowRecords"`
}

// flowRecord is one flow as rules see it; numbers stay as the log writes them.
type flowRecord struct {
	Category      string          `json:"category"`
	Time          string          `json:"time"`
	ResourceID    string          `json:"resourceId,omitempty"`
	TargetID      string          `json:"targetResourceId,omitempty"`
	ACL           string          `json:"aclId,omitempty"`
	MAC           string          `json:"macAddress,omitempty"`
	Rule          string          `json:"rule"`
	Tuple         string          `json:"flowTuple"`
	SrcIP         string          `json:"srcIp"`
	DstIP         string          `json:"dstIp"`
	SrcPort       json.Number     `json:"srcPort,omitempty"`
	DstPort       json.Number     `json:"dstPort,omitempty"`
	Protocol      string          `json:"protocol"`
	Direction     string          `json:"direction"` // inbound, outbound
	Decision      string          `json:"decision"`  // allow, deny
	State         string          `json:"state,omitempty"`
	PacketsSent   json.Number     `json:"packetsSent,omitempty"`
	BytesSent     json.Number     `json:"bytesSent,omitempty"`
	PacketsBack   json.Number     `json:"packetsReceived,omitempty"`
	BytesBack     json.Number     `json:"bytesReceived,omitempty"`
	RecordTime    json.RawMessage `json:"recordTime,omitempty"`
	FlowLogRecord string          `json:"flowLogResourceId,omitempty"`
}

// maxFlows bounds in bytes what is made of one record: each flow repeats the names of the
// record's resource, so that a hostile one could grow without end.
const maxFlows = 64 << 20

func (f *azureFlows) open(emit func([]byte)) error {
	made := 0
	one := func(rule, acl, mac, tuple string, network bool) {
		if made > maxFlows {
			return
		}
		rec := flowRecord{Category: f.Category, ResourceID: f.ResourceID, TargetID: f.TargetID, FlowLogRecord: f.FlowLogID, ACL: acl, MAC: mac,
			Rule: rule, Tuple: tuple, RecordTime: f.Time}
		p := strings.Split(tuple, ",")
		if len(p) < 8 {
			rec.Decision = "unknown" // what it says is kept in flowTuple
		} else if rec.read(p); network {
			rec.network(p)
		} else {
			rec.group(p)
		}
		if line, err := json.Marshal(rec); err == nil {
			made += len(line)
			emit(line)
		}
	}
	for _, rule := range f.Properties.Flows {
		for _, flow := range rule.Flows {
			for _, tuple := range flow.Tuples {
				one(rule.Rule, "", flow.MAC, tuple, false)
			}
		}
	}
	for _, flow := range f.Records.Flows {
		for _, group := range flow.Groups {
			for _, tuple := range group.Tuples {
				one(group.Rule, flow.ACL, f.MAC, tuple, true)
			}
		}
	}
	if made > maxFlows {
		return fmt.Errorf("the flows of the record are more than %d MB; the rest is left out", maxFlows>>20)
	}
	return nil
}

// read takes what both kinds of tuple share: time, addresses, ports, direction.
func (rec *flowRecord) read(p []string) {
	rec.Time, rec.SrcIP, rec.DstIP = p[0], p[1], p[2]
	rec.SrcPort, rec.DstPort = whole(p[3]), whole(p[4])
	rec.Direction = map[string]string{"I": "inbound", "O": "outbound"}[p[6]]
}

// group reads the rest of a tuple of a network security group: protocol, direction,
// decision, state and counters.
func (rec *flowRecord) group(p []string) {
	rec.Protocol = map[string]string{"T": "tcp", "U": "udp"}[p[5]]
	rec.Decision = map[string]string{"A": "allow", "D": "deny"}[p[7]]
	if len(p) > 8 {
		rec.State = flowState(p[8])
	}
	rec.counters(p, 9)
}

// network reads that of a virtual network: the number of the protocol, the state (D for
// denied), the encryption and counters.
func (rec *flowRecord) network(p []string) {
	if rec.Protocol = p[5]; p[5] == "6" {
		rec.Protocol = "tcp"
	} else if p[5] == "17" {
		rec.Protocol = "udp"
	}
	if rec.Decision = "allow"; p[7] == "D" {
		rec.Decision = "deny"
	} else {
		rec.State = flowState(p[7])
	}
	rec.counters(p, 9)
}

func flowState(s string) string {
	return map[string]string{"B": "begin", "C": "continue", "E": "end"}[s]
}

func (rec *flowRecord) counters(p []string, from int) {
	for i, to := range [...]*json.Number{&rec.PacketsSent, &rec.BytesSent, &rec.PacketsBack, &rec.BytesBack} {
		if from+i < len(p) {
			*to = whole(p[from+i])
		}
	}
}

// whole returns text where it is a whole number, else nothing.
func whole(text string) json.Number {
	if n, err := strconv.ParseUint(text, 10, 64); err != nil || strconv.FormatUint(n, 10) != text {
		return ""
	}
	return json.Number(text)
}

// Header fields of one flow.
const (
	afCategory = iota
	afTuple
	afTime
	afRule
	afSrc
	afDst
	afResource
	afDecision
	afDirection
	afMAC
	// The fields below are read by the header only.
	afTarget
	afRecordTime
)

var azureFlow = &Format{
	Name: "azure.nsgflow",
	Fields: fieldList(true, []string{
		afCategory:   "category",
		afTuple:      "flowTuple",
		afTime:       "time",
		afRule:       "rule",
		afSrc:        "srcIp",
		afDst:        "dstIp",
		afResource:   "resourceId|flowLogResourceId",
		afDecision:   "decision",
		afDirection:  "direction",
		afMAC:        "macAddress",
		afTarget:     "targetResourceId",
		afRecordTime: "recordTime",
	}),
	Hot: afTarget,
	Is:  func(r *Record) bool { return isFlowCategory(r.scalar(afCategory)) && r.kind(afTuple) == slot.String },
	// The key: flow log, interface, rule and the tuple, which holds time, addresses, ports
	// and state.
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		var k keyer
		k.start("azure.nsgflow")
		k.part(r.scalar(afResource))
		k.part(r.scalar(afMAC))
		k.part(r.scalar(afRule))
		k.part(r.scalar(afTuple))
		return k.sum(), contentHash(nanos(r.scalar(afTime)), r.scalar(afSrc), r.scalar(afDirection), r.scalar(afDst), r.scalar(afDecision)), true
	},
	Time: func(r *Record) int64 { return nanos(r.scalar(afTime)) },
	Header: func(r *Record, e *yagura.Event) {
		e.Time = timeOf(nanos(r.scalar(afTime)))
		if e.Time.IsZero() {
			e.Time = timeOf(nanos(r.scalar(afRecordTime)))
		}
		e.Action = strings.TrimSpace(r.str(afDecision) + " " + r.str(afDirection))
		resource := r.str(afTarget, afResource)
		if parts := strings.SplitN(resource, "/", 4); len(parts) > 2 && strings.EqualFold(parts[1], "subscriptions") {
			e.Account = parts[2]
		}
		e.Targets = addEntity(e.Targets, yagura.EntityIP, firstAddress(r, afDst))
		e.Targets = addEntity(e.Targets, yagura.EntityResource, resource)
		e.SrcIP = firstAddress(r, afSrc)
		e.Outcome = outcomeWord(r.scalar(afDecision))
		finish(e, yagura.Entity{Type: yagura.EntityHost, ID: r.str(afMAC)})
	},
}
