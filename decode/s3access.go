package decode

import (
	"bytes"
	"errors"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Header fields of S3 server access logs, named as in AWS' table for Athena.
const (
	saBucket = iota
	saRequestID
	saOperation
	saKey
	saTime
	saStatus
	saError
	saRequester
	saIP
	saOwner
	saVersion
	// The fields below are read by the header only.
	saEndpoint
	saAccessPoint
	saRegion
	saHostID
)

var s3Access = &Format{
	Name:   "aws.s3access",
	Detail: detailList(true, "user_agent=useragent|user_agent", "error=errorcode|error_code", "bucket=bucket|bucket_name", "object_key=key", "status=httpstatus|http_status", "bytes_sent=bytessent|bytes_sent"),
	Fields: fieldList(false, []string{
		saBucket:      "bucket_name|bucket",
		saRequestID:   "requestid|request_id",
		saOperation:   "operation",
		saKey:         "key",
		saTime:        "requestdatetime|time",
		saStatus:      "httpstatus|http_status",
		saError:       "errorcode|error_code",
		saRequester:   "requester",
		saIP:          "remoteip|remote_ip",
		saOwner:       "bucketowner|bucket_owner",
		saVersion:     "versionid|version_id",
		saEndpoint:    "endpoint|host_header",
		saAccessPoint: "accesspointarn|access_point_arn",
		saRegion:      "sourceregion|source_region",
		saHostID:      "hostid|host_id",
	}),
	Hot: saEndpoint,
	Is: func(r *Record) bool {
		return r.has(saBucket) && r.has(saOperation) && r.has(saOwner) && (r.has(saRequestID) || r.has(saStatus))
	},
	Key:    s3AccessKey,
	Time:   func(r *Record) int64 { return nanos(r.scalar(saTime)) },
	Header: s3AccessHeader,
}

// s3AccessKey: requestid, operation, bucket, key, versionid and time. One request that deletes
// or copies objects has a line for each.
func s3AccessKey(r *Record) (yagura.Key, uint64, bool) {
	at := nanos(r.scalar(saTime))
	content := contentHash(at, r.scalar(saRequester), r.scalar(saOperation), r.scalar(saKey), r.either(saError, saStatus))
	id := r.scalar(saRequestID)
	if id == nil {
		return yagura.Key{}, content, false
	}
	var k keyer
	k.start("aws.s3access")
	k.part(id)
	k.part(r.scalar(saOperation))
	k.part(r.scalar(saBucket))
	k.part(r.scalar(saKey))
	k.part(r.scalar(saVersion))
	k.number(at)
	return k.sum(), content, true
}

func s3AccessHeader(r *Record, e *yagura.Event) {
	e.ID = r.str(saRequestID)
	e.Time = timeOf(nanos(r.scalar(saTime)))
	e.Action = r.str(saOperation)
	e.SrcIP = firstAddress(r, saIP)
	if e.Outcome = yagura.OutcomeSuccess; r.given(saError) != nil {
		e.Outcome = yagura.OutcomeFailure
	} else if s := r.given(saStatus); s != nil {
		e.Outcome = httpOutcome(s)
	}
	e.Region = bucketRegion(r.str(saEndpoint))
	switch who := r.words.string(r.given(saRequester)); {
	case strings.HasPrefix(who, "arn:"):
		e.Actor = yagura.Actor{Type: arnType(who), ID: who, Name: who[strings.LastIndexAny(who, "/:")+1:]}
		if p := strings.SplitN(who, ":", 6); len(p) == 6 {
			e.Account = p[4]
			if e.Actor.Type == yagura.EntitySession {
				e.Actor.SessionOf = roleOfSession(p)
			}
		}
	case strings.HasPrefix(who, "svc:"):
		who = who[len("svc:"):]
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: who, Name: who}
	case who == "AmazonS3", strings.HasSuffix(who, ".amazonaws.com"): // S3 itself: lifecycle and replication
		e.Actor = yagura.Actor{Type: yagura.EntityServicePrincipal, ID: who, Name: who}
	case who != "":
		e.Actor = yagura.Actor{Type: yagura.EntityUser, ID: who} // a canonical user id
	}
	bucket, key := r.str(saBucket), r.words.string(r.given(saKey))
	if bucket != "" {
		e.Targets = addEntity(e.Targets, yagura.EntityResource, "arn:aws:s3:::"+bucket)
		if key != "" {
			e.Targets = addEntity(e.Targets, yagura.EntityResource, "arn:aws:s3:::"+bucket+"/"+key)
		}
	}
	more := []yagura.Entity{{Type: yagura.EntityResource, ID: r.words.string(r.given(saAccessPoint))}}
	if e.Actor.SessionOf != "" {
		more = append(more, yagura.Entity{Type: yagura.EntityRole, ID: e.Actor.SessionOf})
	}
	finish(e, more...)
}

// roleOfSession returns the ARN of the role in that of a session, from its parts.
func roleOfSession(p []string) string {
	kind, name, _ := strings.Cut(p[5], "/")
	role, _, _ := strings.Cut(name, "/")
	if kind != "assumed-role" || role == "" {
		return ""
	}
	return p[0] + ":" + p[1] + ":iam::" + p[4] + ":role/" + role
}

// bucketRegion returns the region in the host name that a request was sent to.
func bucketRegion(host string) string {
	_, after, found := strings.Cut(host, "s3.")
	if i := strings.LastIndex(host, ".s3."); i >= 0 {
		after = host[i+len(".s3."):]
	} else if !found || !strings.HasPrefix(host, "s3.") {
		if i := strings.LastIndex(host, "s3-"); i >= 0 && (i == 0 || host[i-1] == '.') {
			after = host[i+len("s3-"):]
		} else {
			return ""
		}
	}
	for _, kind := range [...]string{"dualstack.", "website.", "website-"} {
		after = strings.TrimPrefix(after, kind)
	}
	region, rest, _ := strings.Cut(after, ".")
	if !strings.HasPrefix(rest, "amazonaws.com") || strings.Count(region, "-") < 2 {
		return ""
	}
	return region
}

var s3AccessFields = strings.Fields("bucketowner bucket_name requestdatetime remoteip requester requestid operation key request_uri " +
	"httpstatus errorcode bytessent objectsize totaltime turnaroundtime referrer useragent versionid hostid sigv ciphersuite authtype " +
	"endpoint tlsversion accesspointarn aclrequired sourceregion")

// s3Lines reads lines of S3 server access logs.
type s3Lines struct{ oneLine }

// startS3Access takes a line with a time in brackets behind owner and bucket, and the name of
// an operation with its dots.
func startS3Access(l firstLine) lineReader {
	f := tokens(l.line, 8)
	if len(f) < 8 || parseCLF(f[2]) == 0 || !bytes.HasPrefix(l.line[len(f[0])+len(f[1])+2:], []byte{'['}) || bytes.Count(f[6], []byte{'.'}) < 2 {
		return nil
	}
	return &s3Lines{}
}

func (*s3Lines) read(dst, line []byte) ([]byte, error) {
	start := len(dst)
	rest := line
	for at := 0; len(rest) > 0; at++ {
		if at >= len(s3AccessFields) {
			v, after, _ := token(rest)
			dst, rest = appendMember(dst, extraName(at), v), after
			continue
		}
		name := s3AccessFields[at]
		var v []byte
		if rest[0] == '"' {
			v, rest = s3Quoted(name, rest)
		} else {
			v, rest, _ = token(rest)
		}
		if name == "requestdatetime" && parseCLF(v) == 0 {
			return dst[:start], errors.New("a line of an S3 access log has no time where it should be")
		}
		dst = appendMember(dst, name, v)
		if name != "request_uri" {
			continue
		}
		if verb, url, proto, ok := splitRequest(v); ok {
			dst = appendMember(dst, "requesturi_operation", verb)
			dst = appendMember(dst, "requesturi_key", url)
			dst = appendMember(dst, "requesturi_httpprotoversion", proto)
			_, path, query := splitURL(url)
			dst = appendMember(dst, "request_path", path)
			dst = appendMember(dst, "request_query", query)
		}
	}
	if bytes.Count(line, []byte{' '}) < 8 {
		return dst[:start], errors.New("a line of an S3 access log has too few fields")
	}
	return closeObject(dst), nil
}

// s3Quoted cuts off a field in quotation marks. S3 writes those inside it as they came, so
// that what follows tells which is the last.
func s3Quoted(name string, line []byte) (v, rest []byte) {
	end := -1
	switch name {
	case "request_uri": // a status follows
		for i := 1; i+1 < len(line); i++ {
			if line[i] != '"' || line[i+1] != ' ' {
				continue
			}
			next, _, _ := token(line[i+2:])
			if _, ok := digits(next, len(next)); ok && len(next) == 3 || string(next) == "-" {
				end = i
				break
			}
		}
	case "referrer": // another one follows
		if i := bytes.Index(line[1:], []byte(`" "`)); i >= 0 {
			end = i + 1
		}
	case "useragent": // none follows
		end = bytes.LastIndexByte(line, '"')
	}
	if end <= 0 {
		v, rest, _ = token(line)
		return v, rest
	}
	return line[1:end], line[min(end+2, len(line)):]
}
