package decode

import (
	"bytes"
	"fmt"
	"strings"
)

// The fields of the lines, in order. "client" and "target" are address and port, "request"
// is a request line.
var (
	albFields = strings.Fields("type time elb client target request_processing_time target_processing_time response_processing_time " +
		"elb_status_code target_status_code received_bytes sent_bytes request user_agent ssl_cipher ssl_protocol target_group_arn trace_id " +
		"domain_name chosen_cert_arn matched_rule_priority request_creation_time actions_executed redirect_url lambda_error_reason " +
		"target_port_list target_status_code_list classification classification_reason conn_trace_id transformed_host transformed_uri " +
		"request_transform_status")
	nlbFields = strings.Fields("type version time elb listener_id client target tcp_connection_time_ms tls_handshake_time_ms received_bytes " +
		"sent_bytes incoming_tls_alert cert_arn certificate_serial tls_cipher_suite tls_protocol_version tls_named_group domain_name " +
		"alpn_fe_protocol alpn_be_protocol alpn_client_preference_list tls_connection_creation_time")
	clbFields = strings.Fields("time elb client backend request_processing_time backend_processing_time response_processing_time " +
		"elb_status_code backend_status_code received_bytes sent_bytes request user_agent ssl_cipher ssl_protocol")
	albConnectionFields = strings.Fields("timestamp client_ip client_port listener_port tls_protocol tls_cipher tls_handshake_latency " +
		"leaf_client_cert_subject leaf_client_cert_validity leaf_client_cert_serial_number tls_verify_status conn_trace_id tls_keyexchange")
)

// elbLines reads lines of one kind of load balancer.
type elbLines struct {
	oneLine
	names []string
	least int // fields that a line must have
}

// startELB tells the kinds of lines apart by their first fields.
func startELB(l firstLine) lineReader {
	f := tokens(l.line, len(albFields))
	switch {
	case isConnection(f):
		return &elbLines{names: albConnectionFields, least: 11}
	case len(f) < 12:
		return nil
	case isAny(f[0], "http", "https", "h2", "grpc", "grpcs", "ws", "wss") && nanos(f[1]) != 0 &&
		bytes.IndexByte(f[2], '/') > 0 && bytes.IndexByte(f[3], ':') > 0:
		return &elbLines{names: albFields, least: 12}
	case isAny(f[0], "tls", "tcp", "udp", "tcp_udp") && isNumber(f[1]) && nanos(f[2]) != 0 && bytes.HasPrefix(f[3], []byte("net/")):
		return &elbLines{names: nlbFields, least: 12}
	case len(f) <= len(clbFields) && nanos(f[0]) != 0 && bytes.IndexByte(f[2], ':') > 0 && isNumber(f[4]) && isNumber(f[5]) &&
		isNumber(f[6]) && (isNumber(f[7]) || string(f[7]) == "-") && isNumber(f[9]) && isNumber(f[10]):
		return &elbLines{names: clbFields, least: 12}
	}
	return nil
}

// isConnection: time, address and two ports with what TLS spoke, or the trace id, which
// older lines do not have.
func isConnection(f [][]byte) bool {
	if len(f) < 11 || nanos(f[0]) == 0 || !isNumber(f[2]) || !isNumber(f[3]) {
		return false
	}
	if len(f) > 11 && bytes.HasPrefix(f[11], []byte("TID_")) {
		return true
	}
	return len(f) == 11 && address(string(f[1])) != "" && (string(f[4]) == "-" || bytes.HasPrefix(f[4], []byte("TLSv")))
}

func (e *elbLines) read(dst, line []byte) ([]byte, error) {
	at := 0
	start := len(dst)
	for rest := line; len(rest) > 0; at++ {
		var v []byte
		v, rest, _ = token(rest)
		if at >= len(e.names) {
			dst = appendMember(dst, extraName(at), v)
			continue
		}
		name := e.names[at]
		if at < 3 && (name == "time" || name == "timestamp") && nanos(v) == 0 {
			return dst[:start], fmt.Errorf("a line of a load balancer's log has no time where it should be")
		}
		switch name {
		case "client", "target", "backend":
			host, port := splitPort(v)
			dst = appendMember(dst, name+"_ip", host)
			dst = appendMember(dst, name+"_port", port)
		case "request":
			dst = appendRequest(dst, v)
		case "alpn_client_preference_list":
			dst = appendMember(dst, name, bytes.ReplaceAll(v, []byte(`","`), []byte{','}))
		default:
			dst = appendMember(dst, name, v)
		}
	}
	if at < e.least {
		return dst[:start], fmt.Errorf("a line of a load balancer's log has %d fields, want at least %d", at, e.least)
	}
	return closeObject(dst), nil
}

// appendRequest appends a request line, and its parts.
func appendRequest(dst, request []byte) []byte {
	verb, url, proto, ok := splitRequest(request)
	if !ok {
		return appendMember(dst, "request", request)
	}
	if len(verb) == 1 && verb[0] == '-' {
		url = bytes.TrimSuffix(url, verb) // of a request that could not be read
	}
	dst = appendMember(dst, "request_verb", verb)
	dst = appendMember(dst, "request_url", url)
	dst = appendMember(dst, "request_proto", proto)
	if len(url) > 1 {
		host, path, query := splitURL(url)
		dst = appendMember(dst, "request_host", host)
		dst = appendMember(dst, "request_path", path)
		dst = appendMember(dst, "request_query", query)
	}
	return dst
}
