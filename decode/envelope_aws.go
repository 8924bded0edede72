package decode

import (
	"bytes"
	"strings"

	"github.com/yagura-sec/yagura/slot"
)

// configRule is the event with which AWS Config calls the Lambda function of a rule: the
// notification stands inside as text.
var configRule = Envelope{
	Name:      "AWS Config rule",
	Fields:    fieldList(false, []string{"invokingEvent", "configRuleName"}),
	OnlyKnown: true,
	Is:        func(r *Record) bool { return r.has(1) && opens(r.Text(0)) },
	Open:      emitText(0),
}

// configQuery is the answer of an advanced query of AWS Config: rows as text.
var configQuery = Envelope{
	Name:   "AWS Config query",
	Fields: fieldList(false, []string{"Results", "QueryInfo.SelectFields"}),
	Is:     func(r *Record) bool { return r.kind(0) == slot.Array && r.has(1) },
	Open: func(r *Record, emit func([]byte)) error {
		// Results holds the array itself and then its members.
		for v := r.Doc.Next(r.First(0)); v >= 0; v = r.Doc.Next(v) {
			if text := r.Doc.Text(v); opens(text) {
				emit(text)
			} else {
				emit(r.Doc.Raw(v))
			}
		}
		return nil
	},
}

// isEKS says whether a log group is that of the control plane of a cluster of EKS.
func isEKS(group []byte) bool {
	return bytes.HasPrefix(group, []byte("/aws/eks/")) && bytes.HasSuffix(group, []byte("/cluster"))
}

// eksCluster is the name of the cluster whose log group it is.
func eksCluster(group string) string {
	name, ok := strings.CutPrefix(group, "/aws/eks/")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(name, "/cluster")
}

// withOrigin writes into a record of a cluster where it comes from, which it does not say
// itself: the member "cloudwatch" with the owner and the name of the log group, as they
// stand in the envelope (JSON strings without their quotes).
func withOrigin(record, owner, group []byte) []byte {
	end := bytes.LastIndexByte(record, '}')
	if start := skipSpace(record, 0); end < 0 || record[start] != '{' || skipSpace(record, start+1) == end {
		return record
	}
	out := make([]byte, 0, end+len(owner)+len(group)+48)
	out = append(out, record[:end]...)
	out = append(append(out, `,"cloudwatch":{"owner":"`...), owner...)
	out = append(append(out, `","logGroup":"`...), group...)
	return append(out, `"}}`...)
}
