package push

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // SignatureVersion 1 is SHA-1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// snsMessage is a message as SNS sends it over HTTP.
type snsMessage struct {
	Type, MessageID, TopicArn, Message, Timestamp string
	Subject                                       *string // signed when it is there, also when it is empty
	Token, SubscribeURL                           string
	SignatureVersion, Signature, SigningCertURL   string

	members map[string]field
	rest    bool // there are members that SNS does not write
}

// snsMembers are the members that SNS writes, in its order.
var snsMembers = []string{"Type", "MessageId", "Token", "TopicArn", "Subject", "Message", "SubscribeURL", "Timestamp",
	"SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL", "MessageAttributes"}

var errUnsigned = errors.New("it is not signed")

func parseSNS(b []byte) (*snsMessage, error) {
	members, err := topLevel(b)
	if err != nil {
		return nil, err
	}
	m := &snsMessage{members: members}
	known := 0
	for _, name := range snsMembers {
		if _, ok := members[name]; ok {
			known++
		}
	}
	m.rest = known != len(members)
	for _, want := range []struct {
		name string
		to   *string
		must bool
	}{
		{"Type", &m.Type, true}, {"MessageId", &m.MessageID, true}, {"TopicArn", &m.TopicArn, true},
		{"Message", &m.Message, false}, {"Timestamp", &m.Timestamp, true}, {"SignatureVersion", &m.SignatureVersion, true},
		{"Signature", &m.Signature, true}, {"SigningCertURL", &m.SigningCertURL, true},
		{"Token", &m.Token, false}, {"SubscribeURL", &m.SubscribeURL, false},
	} {
		f, ok := members[want.name]
		if !ok && want.must {
			err := fmt.Errorf("%s is missing", want.name)
			if strings.HasPrefix(want.name, "Sign") {
				err = fmt.Errorf("%w: %w", errUnsigned, err)
			}
			return nil, err
		}
		if ok && f.raw[0] != '"' {
			return nil, fmt.Errorf("%s is no text", want.name)
		}
		*want.to = f.text
	}
	if f, ok := members["Subject"]; ok && string(f.raw) != "null" {
		if f.raw[0] != '"' {
			return nil, errors.New("the Subject is no text")
		}
		m.Subject = &f.text
	}
	switch m.Type {
	case "Notification":
	case "SubscriptionConfirmation", "UnsubscribeConfirmation":
		if m.Token == "" || m.SubscribeURL == "" {
			return nil, errors.New("a confirmation without Token or SubscribeURL")
		}
	default:
		return nil, errors.New("its Type is unknown")
	}
	return m, nil
}

// signed is the text that SNS signs: names and values in the order of the names, a line
// each.
func (m *snsMessage) signed() []byte {
	var b strings.Builder
	line := func(name, value string) {
		b.WriteString(name)
		b.WriteByte('\n')
		b.WriteString(value)
		b.WriteByte('\n')
	}
	line("Message", m.Message)
	line("MessageId", m.MessageID)
	if m.Type == "Notification" {
		if m.Subject != nil {
			line("Subject", *m.Subject)
		}
	} else {
		line("SubscribeURL", m.SubscribeURL)
	}
	line("Timestamp", m.Timestamp)
	if m.Type != "Notification" {
		line("Token", m.Token)
	}
	line("TopicArn", m.TopicArn)
	line("Type", m.Type)
	return []byte(b.String())
}

// verify checks the signature with the key of a certificate.
func (m *snsMessage) verify(cert *x509.Certificate) error {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < 2048 {
		return errors.New("the certificate has no RSA key of 2048 bits or more")
	}
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil {
		return errors.New("the Signature is no base64")
	}
	switch m.SignatureVersion {
	case "1":
		sum := sha1.Sum(m.signed()) //nolint:gosec // as above
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256(m.signed())
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	}
	return errors.New("the SignatureVersion is unknown")
}

// plain writes the message without what SNS does not write.
func (m *snsMessage) plain() []byte {
	var b strings.Builder
	b.WriteByte('{')
	for _, name := range snsMembers {
		f, ok := m.members[name]
		if !ok {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(name) // a text
		b.Write(key)
		b.WriteByte(':')
		b.Write(f.raw)
	}
	b.WriteByte('}')
	return []byte(b.String())
}

// arn is the name of a topic in its parts.
type arn struct{ partition, region, account, name string }

// regionForm is how regions are called. It is strict because the region becomes a part
// of a host: "s3" would make the host of a bucket that anybody may own.
var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{2,20}){1,2}-[0-9]{1,2}$`)

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	topicForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
)

// snsSuffix is the domain that the hosts of SNS have in each partition of AWS.
var snsSuffix = map[string]string{
	"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu",
	"aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov", "aws-iso-e": "cloud.adc-e.uk", "aws-iso-f": "csp.hci.ic.gov",
}

func parseTopic(s string) (arn, error) {
	p := strings.Split(s, ":")
	if len(p) != 6 || p[0] != "arn" || p[2] != "sns" {
		return arn{}, errors.New("not the ARN of a topic")
	}
	a := arn{p[1], p[3], p[4], p[5]}
	if snsSuffix[a.partition] == "" || !regionForm.MatchString(a.region) || !accountForm.MatchString(a.account) || !topicForm.MatchString(a.name) {
		return arn{}, errors.New("not the ARN of a topic")
	}
	return a, nil
}

// host is the one host that the topic's messages may point to.
func (a arn) host() string { return "sns." + a.region + "." + snsSuffix[a.partition] }

// topics is the list of topics that may send.
type topics [][]string

func newTopics(list []string) (topics, error) {
	if len(list) == 0 {
		return nil, errors.New("no topics are listed")
	}
	var out topics
	for _, s := range list {
		p := strings.Split(s, ":")
		if len(p) != 6 || p[0] != "arn" || p[2] != "sns" {
			return nil, fmt.Errorf("topic %q: not arn:partition:sns:region:account:name", s)
		}
		for _, part := range p {
			if i := strings.IndexByte(part, '*'); part == "" || i >= 0 && i < len(part)-1 {
				return nil, fmt.Errorf("topic %q: a part may be \"*\" or end in it", s)
			}
		}
		if snsSuffix[p[1]] == "" && !strings.HasSuffix(p[1], "*") {
			return nil, fmt.Errorf("topic %q: the partition %q is unknown", s, p[1])
		}
		if strings.HasSuffix(p[4], "*") {
			return nil, fmt.Errorf("topic %q: the account must be named (hint: anybody can make a topic in an account of theirs)", s)
		}
		out = append(out, p)
	}
	return out, nil
}

func (t topics) allow(topic string) bool {
	if _, err := parseTopic(topic); err != nil {
		return false
	}
	parts := strings.Split(topic, ":")
	for _, want := range t {
		ok := true
		for i, w := range want {
			prefix, wild := strings.CutSuffix(w, "*")
			ok = ok && (parts[i] == w || wild && strings.HasPrefix(parts[i], prefix))
		}
		if ok {
			return true
		}
	}
	return false
}
