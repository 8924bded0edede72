package generate

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// File is what a service delivers at once.
type File struct {
	Feed Feed
	// Name is its path below the folder of the feed, with slashes.
	Name string
	Data []byte
	// At is when it is there: when the last of its records arrived.
	At      time.Time
	Records int // that can be read
	Broken  int // that cannot
}

// Files packs records, which arrived one after the other, into files as their services write
// them: one of each account, category or day. No two calls make the same name, as long as
// the records are not the same.
func Files(records []Record) ([]File, error) {
	type part struct{ feed, part, day string }
	byPart := map[part][]Record{}
	var order []part
	for _, r := range records {
		p := part{string(r.Feed), r.Part, r.Time.UTC().Format("2006-01-02")}
		if byPart[p] == nil {
			order = append(order, p)
		}
		byPart[p] = append(byPart[p], r)
	}
	slices.SortFunc(order, func(a, b part) int {
		return strings.Compare(a.feed+"/"+a.part+"/"+a.day, b.feed+"/"+b.part+"/"+b.day)
	})
	out := make([]File, 0, len(order))
	for _, p := range order {
		f, err := pack(byPart[p])
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// pack makes one file of the records of one part.
func pack(list []Record) (File, error) {
	first, last := list[0], list[len(list)-1]
	f := File{Feed: first.Feed, At: last.At}
	for _, r := range list {
		if r.Broken {
			f.Broken++
		} else {
			f.Records++
		}
	}
	at := last.At.UTC()
	stamp := fmt.Sprintf("%s_%08x", at.Format("20060102T150405Z"), checksum(list))
	day := first.Time.UTC().Format("2006/01/02")
	lines := func() []byte {
		var b bytes.Buffer
		for _, r := range list {
			b.Write(r.Line)
			b.WriteByte('\n')
		}
		return b.Bytes()
	}
	joined := func(before, after string) []byte {
		var b bytes.Buffer
		b.WriteString(before)
		for i, r := range list {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(r.Line)
		}
		b.WriteString(after)
		return b.Bytes()
	}
	var err error
	switch first.Feed {
	case CloudTrail:
		account, where, _ := strings.Cut(first.Part, "_")
		f.Name = fmt.Sprintf("AWSLogs/%s/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s.json.gz", organisation, account, where, day, account, where, stamp)
		f.Data, err = zipped(joined(`{"Records":[`, `]}`))
	case GuardDuty:
		f.Name = fmt.Sprintf("AWSLogs/%s/GuardDuty/%s/%s/%s.jsonl.gz", first.Part, region, day, stamp)
		f.Data, err = zipped(lines())
	case FlowLogs:
		f.Name = fmt.Sprintf("AWSLogs/%s/vpcflowlogs/%s/%s/%s_vpcflowlogs_%s_%s.log.gz", first.Part, region, day, first.Part, region, stamp)
		f.Data, err = zipped(append([]byte("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"), lines()...))
	case LoadLogs:
		f.Name = fmt.Sprintf("AWSLogs/%s/elasticloadbalancing/%s/%s/%s_elasticloadbalancing_%s_app.shop-web.50dc6c495c0c9188_%s.log.gz", first.Part, region, day, first.Part, region, stamp)
		f.Data, err = zipped(lines())
	case WAF:
		f.Name = fmt.Sprintf("AWSLogs/%s/WAFLogs/%s/shop/%s/%s_waflogs_%s_shop_%s.log.gz", first.Part, region, day, first.Part, region, stamp)
		f.Data, err = zipped(lines())
	case Entra:
		f.Name = fmt.Sprintf("insights-logs-%s/tenantId=%s/y=%s/%s.json", strings.ToLower(first.Part), Tenant, strings.ReplaceAll(day, "/", "-"), stamp)
		f.Data = joined(`{"records":[`, `]}`)
	case M365:
		f.Name = fmt.Sprintf("%s/%s/%s.json", first.Part, day, stamp)
		f.Data = lines()
	case Google:
		f.Name = fmt.Sprintf("cloudaudit.googleapis.com/%s/%s/%s_S0.json", first.Part, day, stamp)
		f.Data = lines()
	case Cluster:
		f.Name = fmt.Sprintf("eks/shop/%s/%s.gz", day, stamp)
		f.Data, err = zipped(subscription(list, stamp))
	default:
		f.Name = fmt.Sprintf("%s/%s.json", day, stamp)
		f.Data = lines()
	}
	return f, err
}

// subscription is what a subscription of CloudWatch Logs delivers through Firehose.
func subscription(records []Record, stamp string) []byte {
	events := make([]any, len(records))
	for i, r := range records {
		events[i] = doc("id", fmt.Sprintf("3%s%042d", stamp[16+1:], i), "timestamp", r.Time.UnixMilli(), "message", string(r.Line))
	}
	return []byte(doc("messageType", "DATA_MESSAGE", "owner", records[0].Part, "logGroup", "/aws/eks/shop/cluster", "logStream", "kube-apiserver-audit-0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f", "subscriptionFilters", list("yagura"), "logEvents", list(events...)))
}

// checksum tells files of one moment apart.
func checksum(list []Record) uint32 {
	h := uint32(2166136261)
	for _, r := range list {
		for _, b := range r.Line {
			h = (h ^ uint32(b)) * 16777619
		}
	}
	return h
}

// zippers are used again: each clears more memory than most files have.
var zippers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant that the package knows
	}
	return z
}}

func zipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(&b)
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
