package push

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/source"
)

func confirmation(a *amazon) map[string]any {
	return a.message(func(m map[string]any) {
		m["Type"], m["Token"] = "SubscriptionConfirmation", "2336412f37"
		m["SubscribeURL"] = "https://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=" + topicARN + "&Token=2336412f37"
	})
}

func TestSNSConfirm(t *testing.T) {
	a, c, said := newAmazon(t), newClock(), new(logger)
	e := a.endpoint(t, c, func(o *SNSOptions) { o.Logger = said.slog() })
	want(t, post(e, text(confirmation(a)), "X-Amz-Sns-Message-Type", "SubscriptionConfirmation"), 200, "confirmed")
	if q := a.confirmed.Load(); q == nil || q.Get("Token") != "2336412f37" || q.Get("TopicArn") != topicARN || len(*q) != 3 {
		t.Fatalf("confirmed with %v", q)
	}
	if strings.Contains(said.String(), "2336412f37") {
		t.Errorf("the log has the token: %s", said)
	}
	a.confirmed.Store(nil)
	for _, u := range []string{
		"https://" + snsHost + "/?Action=Unsubscribe&TopicArn=" + topicARN + "&Token=2336412f37",
		"https://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:ap-northeast-1:111122223333:x&Token=2336412f37",
		"https://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=" + topicARN + "&Token=other",
		"https://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=" + topicARN + "&Token=2336412f37&Token=2",
		"https://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=" + topicARN + "&Token=2336412f37&x=1",
		"https://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=" + topicARN,
		"https://" + snsHost + "/x?Action=ConfirmSubscription&TopicArn=" + topicARN + "&Token=2336412f37",
		"http://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=" + topicARN + "&Token=2336412f37",
		"https://169.254.169.254/?Action=ConfirmSubscription&TopicArn=" + topicARN + "&Token=2336412f37",
		"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + topicARN + "&Token=2336412f37",
	} {
		m := confirmation(a)
		m["SubscribeURL"] = u
		a.sign(m)
		want(t, post(e, text(m)), 401, "SubscribeURL")
	}
	m := confirmation(a)
	m["Token"] = "forged"
	want(t, post(e, text(m)), 401, "signature")
	if a.confirmed.Load() != nil {
		t.Errorf("confirmed %v", a.confirmed.Load())
	}
	for _, down := range []*atomic.Bool{&a.down, &a.moved} {
		down.Store(true)
		want(t, post(e, text(confirmation(a))), 503, "confirmed")
		down.Store(false)
	}
	by := a.endpoint(t, c, func(o *SNSOptions) { o.KeepUnconfirmed = true })
	want(t, post(by, text(confirmation(a))), 200, "unconfirmed")
	if a.confirmed.Load() != nil {
		t.Error("confirmed what was to be left")
	}
	nothing(t, e)
}

func TestSNSUnsubscribed(t *testing.T) {
	a, c := newAmazon(t), newClock()
	var gone []string
	e := a.endpoint(t, c, func(o *SNSOptions) { o.Unsubscribed = func(topic string, _ time.Time) { gone = append(gone, topic) } })
	m := confirmation(a)
	m["Type"] = "UnsubscribeConfirmation"
	a.sign(m)
	want(t, post(e, text(m)), 200, "stored")
	if len(gone) != 1 || gone[0] != topicARN || a.confirmed.Load() != nil {
		t.Errorf("told of %v", gone)
	}
	if got := content(t, receive(t, e)[0].Objects[0]); !strings.Contains(got, "UnsubscribeConfirmation") {
		t.Errorf("got %s", got)
	}
}

func TestSNSRawAndResolved(t *testing.T) {
	a, c := newAmazon(t), newClock()
	var asked []string
	e := a.endpoint(t, c, func(o *SNSOptions) {
		o.Access.Basic = []Basic{{"sns", token}}
		o.Resolve = func(_ context.Context, body []byte) ([]source.Object, bool, error) {
			asked = append(asked, string(body))
			if strings.Contains(string(body), "s3ObjectKey") {
				return []source.Object{{Source: "s3", Name: "s3://b/k"}}, true, nil
			}
			return nil, string(body) == "CloudTrail validation message.", nil
		}
	})
	raw := []string{"X-Amz-Sns-Rawdelivery", "true", "X-Amz-Sns-Message-Type", "Notification", "X-Amz-Sns-Message-Id", "r1", "X-Amz-Sns-Topic-Arn", topicARN}
	basic := []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("sns:"+token))}
	trail := `{"s3Bucket":"b","s3ObjectKey":["k"]}`
	w := post(e, trail, raw...)
	want(t, w, 401, "credential")
	if !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("SNS is not asked for user and password: %v", w.Header())
	}
	want(t, post(e, trail, append(raw, basic...)...), 200, "stored")
	want(t, post(e, trail, append(raw, basic...)...), 200, "known")
	want(t, post(e, trail, append(basic, raw[:6]...)...), 403, "topic")
	signed := a.message(func(m map[string]any) { m["Message"] = trail })
	want(t, post(e, text(signed)), 401, "credential") // the secret is asked for beside the signature
	want(t, post(e, text(signed), basic...), 200, "stored")
	want(t, post(e, text(a.message(func(m map[string]any) { m["Message"] = "CloudTrail validation message." })), basic...), 200, "stored")
	m := receive(t, e)
	if len(m) != 3 || m[0].Objects[0].Name != "s3://b/k" || m[1].Objects[0].Name != "s3://b/k" || len(m[2].Objects) != 0 || m[2].Refused != nil {
		t.Fatalf("got %+v", m)
	}
	if asked[1] != trail {
		t.Errorf("asked about %q", asked)
	}
}

func TestTopics(t *testing.T) {
	for _, bad := range []string{"", "*", "arn:aws:sns:*:*:trail", "arn:aws:sqs:us-east-1:111122223333:q", "arn:aws:sns:us-*-1:111122223333:trail", "arn:evil:sns:us-east-1:111122223333:t"} {
		if _, err := newTopics([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for topic, host := range map[string]string{
		"arn:aws-cn:sns:cn-north-1:111122223333:t":        "sns.cn-north-1.amazonaws.com.cn",
		"arn:aws-us-gov:sns:us-gov-west-1:111122223333:t": "sns.us-gov-west-1.amazonaws.com",
		"arn:aws-eusc:sns:eusc-de-east-1:111122223333:t":  "sns.eusc-de-east-1.amazonaws.eu",
		"arn:aws-iso:sns:us-iso-east-1:111122223333:t":    "sns.us-iso-east-1.c2s.ic.gov",
		"arn:aws:sns:mx-central-1:111122223333:t.fifo":    "sns.mx-central-1.amazonaws.com",
	} {
		a, err := parseTopic(topic)
		if err != nil || a.host() != host {
			t.Errorf("%s: %s %v", topic, a.host(), err)
		}
	}
	for _, bad := range []string{"arn:aws:sns:s3:111122223333:t", "arn:aws:sns:a.b:111122223333:t", "arn:aws:sns:us-east-1:1:t", "arn:aws:sns:us-east-1:111122223333:t/x", "arn:aws:sns:us-east-1:111122223333:t:sub"} {
		if _, err := parseTopic(bad); err == nil {
			t.Errorf("%s is a topic", bad)
		}
	}
}

func TestGuard(t *testing.T) {
	for _, s := range []string{
		"127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200",
		"::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1", "2001::1", "fec0::1", "fe80::1%eth0",
	} {
		if public(netip.MustParseAddr(s), nil) {
			t.Errorf("%s is public", s)
		}
	}
	for _, s := range []string{"52.94.133.131", "2600:1f18::1", "::ffff:52.94.133.131", "64:ff9b::345e:8583"} {
		if !public(netip.MustParseAddr(s), nil) {
			t.Errorf("%s is not public", s)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := guardedDialer(nil)(t.Context(), "tcp", l.Addr().String()); !errors.Is(err, errPrivate) {
		t.Errorf("dialled loopback: %v", err)
	}
	conn, err := guardedDialer([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
