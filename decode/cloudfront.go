package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of CloudFront's logs: standard logs by their W3C names (text and JSON),
// those of Parquet with underscores, and real-time logs, whose names have no parentheses.
const (
	cfEdge = iota
	cfRequestID
	cfClient
	cfMethod
	cfStatus
	cfDate
	cfTime
	cfStamp
	cfStem
	cfHost
	// The fields below are read by the header only.
	cfHostHeader
	cfDistribution
	cfForwarded
)

var cloudFront = &Format{
	Name: "aws.cloudfront",
	Fields: fieldList(false, []string{
		cfEdge:         "x-edge-location|x_edge_location",
		cfRequestID:    "x-edge-request-id|x_edge_request_id",
		cfClient:       "c-ip|c_ip",
		cfMethod:       "cs-method|cs_method",
		cfStatus:       "sc-status|sc_status",
		cfDate:         "date",
		cfTime:         "time",
		cfStamp:        "timestamp(ms)|timestamp_ms|timestamp",
		cfStem:         "cs-uri-stem|cs_uri_stem",
		cfHost:         "cs(Host)|cs-host|cs_host",
		cfHostHeader:   "x-host-header|x_host_header",
		cfDistribution: "DistributionId|distribution-id|distributionid|primary-distribution-id|primary_distribution_id",
		cfForwarded:    "x-forwarded-for|x_forwarded_for",
	}),
	Hot: cfHostHeader,
	Is: func(r *Record) bool {
		return (r.has(cfEdge) || r.has(cfRequestID)) && (r.has(cfClient) || r.has(cfStatus) || r.has(cfMethod))
	},
	Key: func(r *Record) (yagura.Key, uint64, bool) {
		return yagura.Key{}, contentHash(cloudFrontTime(r), r.scalar(cfClient), r.scalar(cfMethod), r.scalar(cfStem), r.scalar(cfStatus)), false
	},
	Time:   cloudFrontTime,
	Header: cloudFrontHeader,
}

// cloudFrontTime joins date and time, or reads the time stamp of a real-time log.
func cloudFrontTime(r *Record) int64 {
	date, at := r.scalar(cfDate), r.scalar(cfTime)
	if len(date) > 0 && len(at) > 0 && len(date)+len(at) < 40 {
		var b [48]byte
		t := append(append(append(b[:0], date...), 'T'), at...)
		if ns := nanos(t); ns != 0 {
			return ns
		}
	}
	return nanos(r.scalar(cfStamp))
}

func cloudFrontHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(cfRequestID)
	e.Time = timeOf(cloudFrontTime(r))
	e.Action = r.str(cfMethod)
	e.SrcIP = firstAddress(r, cfClient)
	e.Outcome = httpOutcome(r.scalar(cfStatus))
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(cfHostHeader))
	e.Targets = addEntity(e.Targets, yagura.EntityHost, r.str(cfHost))
	e.Targets = addEntity(e.Targets, yagura.EntityResource, r.str(cfDistribution))
	finish(e, yagura.Entity{Type: yagura.EntityIP, ID: firstAddress(r, cfForwarded)})
}

// The fields of standard logs, and of real-time logs when all are chosen, in order.
var (
	cloudFrontFields = strings.Fields("date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) " +
		"cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for " +
		"ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port " +
		"time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end")
	cloudFrontRealTime = strings.Fields("timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes " +
		"x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs-user-agent cs-referer cs-cookie " +
		"cs-uri-query x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher x-edge-result-type fle-encrypted-fields " +
		"fle-status sc-content-type sc-content-len sc-range-start sc-range-end c-port x-edge-detailed-result-type c-country " +
		"cs-accept-encoding cs-accept cache-behavior-path-pattern cs-headers cs-header-names cs-headers-count primary-distribution-id " +
		"primary-distribution-dns-name origin-fbl origin-lbl asn cmcd-encoded-bitrate cmcd-buffer-length cmcd-buffer-starvation " +
		"cmcd-content-id cmcd-object-duration cmcd-deadline cmcd-measured-throughput cmcd-next-object-request cmcd-next-range-request " +
		"cmcd-object-type cmcd-playback-rate cmcd-requested-maximum-throughput cmcd-streaming-format cmcd-session-id cmcd-stream-type " +
		"cmcd-startup cmcd-top-bitrate cmcd-version r-host sr-reason x-edge-mqcs distribution-tenant-id connection-id")
)

// startCloudFront takes lines of standard and real-time logs that have no header: fields
// between tabs, a date and a time first, or a time stamp and an address.
func startCloudFront(l firstLine) lineReader {
	if bytes.Count(l.line, []byte{'\t'}) < 11 {
		return nil
	}
	f := bytes.SplitN(l.line, []byte{'\t'}, 16)
	switch {
	case len(f[0]) == 10 && f[0][4] == '-' && len(f[1]) == 8 && f[1][2] == ':' && isStatus(f[8]):
		return &w3cLines{names: cloudFrontFields, tab: true, loose: true}
	case nanos(f[0]) != 0 && bytes.IndexByte(f[0], '.') > 0 && bytes.ContainsAny(f[1], ".:") && isStatus(f[3]) && isNumber(f[4]):
		return &w3cLines{names: cloudFrontRealTime, tab: true, loose: true}
	}
	return nil
}

// isStatus says whether text is an HTTP status.
func isStatus(text []byte) bool {
	_, ok := digits(text, len(text))
	return ok && len(text) == 3
}
