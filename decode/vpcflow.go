package decode

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of a VPC or transit gateway flow log. Text and the files in S3 name
// them with hyphens, Parquet and Athena with underscores or without any.
const (
	vfInterface = iota
	vfSource
	vfTarget
	vfStatus
	vfAction
	vfStart
	vfEnd
	vfAccount
	vfGateway
	vfMark // fields that, with an address, no other log has
	// The fields below are read by the header only.
	vfRegion
	vfInstance
	vfPacketSource
	vfPacketTarget
	vfResources
)

var vpcFlow = &Format{
	Name: "aws.vpcflow",
	Detail: detailList(false, "dst_ip=dstaddr|destinationaddress|dstAddr", "src_port=srcport|sourceport|srcPort", "dst_port=dstport|destinationport|dstPort", "protocol=protocol",
		"packets=packets|numpackets", "bytes=bytes|numbytes", "start=start|starttime", "end=end|endtime", "interface_id=interface-id|interface_id|interfaceid|interfaceId",
		"status=log-status|log_status|logstatus|logStatus", "direction=flow-direction|flow_direction|flowDirection", "vpc_id=vpc-id|vpc_id|vpcId", "instance_id=instance-id|instance_id|instanceId"),
	Fields: fieldList(false, []string{
		vfInterface:    "interface-id|interface_id|interfaceid|interfaceId",
		vfSource:       "srcaddr|sourceaddress|srcAddr",
		vfTarget:       "dstaddr|destinationaddress|dstAddr",
		vfStatus:       "log-status|log_status|logstatus|logStatus",
		vfAction:       "action",
		vfStart:        "start|starttime",
		vfEnd:          "end|endtime",
		vfAccount:      "account-id|account_id|account|accountId",
		vfGateway:      "tgw-id|tgw_id",
		vfMark:         "pkt-srcaddr|pkt_srcaddr|flow-direction|flow_direction|tcp-flags|tcp_flags|vpc-id|vpc_id|az-id|az_id",
		vfRegion:       "region",
		vfInstance:     "instance-id|instance_id|instanceId",
		vfPacketSource: "pkt-srcaddr|pkt_srcaddr",
		vfPacketTarget: "pkt-dstaddr|pkt_dstaddr",
		vfResources: "vpc-id|vpc_id|subnet-id|subnet_id|tgw-id|tgw_id|tgw-attachment-id|tgw_attachment_id|tgw-src-eni|tgw_src_eni|" +
			"tgw-dst-eni|tgw_dst_eni|tgw-src-vpc-id|tgw_src_vpc_id|tgw-dst-vpc-id|tgw_dst_vpc_id|ecs-cluster-arn|ecs_cluster_arn|ecs-task-arn|ecs_task_arn|resource-id|resource_id",
	}),
	Hot: vfRegion,
	Is: func(r *Record) bool {
		if r.has(vfSource) && r.has(vfTarget) {
			return r.has(vfInterface) || r.has(vfGateway) || r.has(vfStatus) || r.has(vfMark)
		}
		// NODATA and SKIPDATA have no addresses.
		return r.has(vfStatus) && (r.has(vfInterface) || r.has(vfGateway))
	},
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(flowTime(r), r.scalar(vfSource), r.scalar(vfAction), r.scalar(vfTarget), r.scalar(vfStatus)), false
	},
	Time:   flowTime,
	Header: flowHeader,
}

// flowTime is the end of the interval, as most pipelines have it: before it nobody could
// know of the flow.
func flowTime(r *Record) int64 {
	if ns := nanos(r.scalar(vfEnd)); ns != 0 {
		return ns
	}
	return nanos(r.scalar(vfStart))
}

func flowHeader(r *Record, e *yagura.Event) {
	e.Time = timeOf(flowTime(r))
	if e.Account = r.str(vfAccount); e.Account == "unknown" {
		e.Account = ""
	}
	e.Region = r.str(vfRegion)
	e.Action = strings.ToLower(string(r.given(vfAction)))
	switch e.Action {
	case "accept":
		e.Outcome = yagura.OutcomeSuccess
	case "reject":
		e.Outcome = yagura.OutcomeFailure
	case "":
		if s := r.str(vfStatus); s != "OK" { // NODATA, SKIPDATA
			e.Action = strings.ToLower(s)
		}
	}
	e.SrcIP = firstAddress(r, vfSource)
	target := firstAddress(r, vfTarget)
	e.Targets = addEntity(e.Targets, yagura.EntityIP, target)
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(vfInstance))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(vfInterface))
	more := []yagura.Entity{
		{Type: yagura.EntityIP, ID: firstAddress(r, vfPacketSource)},
		{Type: yagura.EntityIP, ID: firstAddress(r, vfPacketTarget)},
	}
	for _, id := range r.texts(vfResources) {
		more = append(more, yagura.Entity{Type: yagura.EntityResource, ID: id})
	}
	finish(e, more...)
}

// The fields of flow logs by their versions.
const (
	flowV2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
	flowV3 = "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr"
	flowV4 = "region az-id sublocation-type sublocation-id"
	flowV5 = "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
	flowV7 = "ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id " +
		"ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id"
	flowLater   = "reject-reason resource-id encryption-status"
	flowGateway = "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id " +
		"tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id " +
		"tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type " +
		"packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region " +
		"flow-direction pkt-src-aws-service pkt-dst-aws-service"
)

// flowLayouts are the orders in which lines come without a header, as CloudWatch Logs has
// them: the default ones, all fields in the order of their versions, and the orders that
// AWS shows as examples.
var flowLayouts = layouts(
	flowV2,
	flowV2+" "+flowV3,
	flowV2+" "+flowV3+" "+flowV4,
	flowV2+" "+flowV3+" "+flowV4+" "+flowV5,
	flowV2+" "+flowV3+" "+flowV4+" "+flowV5+" "+flowV7,
	flowV2+" "+flowV3+" "+flowV4+" "+flowV5+" "+flowV7+" reject-reason",
	flowV2+" "+flowV3+" "+flowV4+" "+flowV5+" "+flowV7+" "+flowLater,
	flowGateway,
	"version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr "+
		"protocol bytes packets start end action tcp-flags log-status",
	"version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags type "+
		"pkt-srcaddr pkt-dstaddr action log-status",
	"version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id instance-id "+
		"interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service "+
		"pkt-dst-aws-service traffic-path flow-direction log-status",
	"instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
)

func layouts(lines ...string) [][]string {
	list := make([][]string, len(lines))
	for i, l := range lines {
		list[i] = strings.Fields(l)
	}
	return list
}

// flowNames are all names that a header of a flow log may have.
var flowNames = func() map[string]bool {
	names := map[string]bool{}
	for _, l := range flowLayouts {
		for _, n := range l {
			names[n] = true
		}
	}
	return names
}()

// flowLines reads flow logs whose fields stand in the order of names.
type flowLines struct {
	oneLine
	names []string
	named bool // by a header, not by what the values look like
}

// startFlow takes a header of known names, or a line in a known order.
func startFlow(l firstLine) lineReader {
	fields := bytes.Fields(l.line)
	if names := flowHeaderLine(fields); names != nil {
		return &flowLines{names: names, named: true}
	}
	for _, names := range flowLayouts {
		if len(names) == len(fields) && flowFits(names, fields) {
			return &flowLines{names: names}
		}
	}
	return nil
}

func flowHeaderLine(fields [][]byte) []string {
	if len(fields) < 3 {
		return nil
	}
	for _, f := range fields {
		if !flowNames[strings.ReplaceAll(string(f), "_", "-")] {
			return nil
		}
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = string(f)
	}
	return names
}

// flowFits says whether the values may be those of the names.
func flowFits(names []string, values [][]byte) bool {
	for i, name := range names {
		if !flowFit(name, values[i]) {
			return false
		}
	}
	return true
}

// flowFit says whether v may be the value of a field.
func flowFit(name string, v []byte) bool {
	if len(v) == 1 && v[0] == '-' {
		return true
	}
	ok := true
	switch name {
	case "version":
		_, ok = digits(v, len(v))
		ok = ok && len(v) <= 2
	case "interface-id":
		ok = bytes.IndexByte(v, '-') > 0
	case "tgw-id":
		ok = bytes.HasPrefix(v, []byte("tgw-"))
	case "srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr":
		ok = bytes.ContainsAny(v, ".:")
	case "start", "end", "packets", "bytes":
		_, ok = digits(v, len(v))
	case "action":
		ok = isAny(v, "ACCEPT", "REJECT")
	case "log-status":
		ok = isAny(v, "OK", "NODATA", "SKIPDATA")
	}
	return ok
}

func (f *flowLines) read(dst, line []byte) ([]byte, error) {
	at, start := 0, len(dst)
	for rest := line; ; at++ {
		rest = bytes.TrimLeft(rest, " \t")
		if len(rest) == 0 {
			break
		}
		n := bytes.IndexAny(rest, " \t")
		if n < 0 {
			n = len(rest)
		}
		if at == 0 && flowNames[string(rest[:n])] {
			// The header of another file behind this one.
			if names := flowHeaderLine(bytes.Fields(line)); names != nil {
				f.names, f.named = names, true
				return dst, nil
			}
		}
		if at < len(f.names) {
			if !f.named && !flowFit(f.names[at], rest[:n]) {
				return dst[:start], fmt.Errorf("%s of a flow log is not where it was in the lines before it", f.names[at])
			}
			dst = appendMember(dst, f.names[at], rest[:n])
		}
		rest = rest[n:]
	}
	if at != len(f.names) {
		return dst[:start], fmt.Errorf("a line of a flow log has %d fields, not %d as the lines before it", at, len(f.names))
	}
	return closeObject(dst), nil
}
