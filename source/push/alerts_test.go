package push

import (
	"strings"
	"testing"
)

func TestEventBridge(t *testing.T) {
	e, err := NewEventBridge(EventBridgeOptions{Common: Common{Name: "eb", Log: openLog(t, FileLogOptions{})}, Access: Access{Header: []Header{{"x-api-key", token}}}})
	e = closing(t, e, err)
	event := `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"111122223333","time":"2026-11-27T09:00:00Z","region":"us-east-1","resources":[],"detail":{"eventName":"CreateUser"}}`
	key := []string{"X-Api-Key", token, "Content-Type", "application/json; charset=utf-8"}
	want(t, post(e, event, key...), 200, "stored")
	want(t, post(e, event, key...), 200, "known")
	want(t, post(e, `{"eventName":"CreateUser"}`, key...), 200, "stored") // of an input transformer
	want(t, post(e, `{"eventName":"CreateUser"}`, key...), 200, "stored")
	want(t, post(e, strings.Replace(event, "CreateUser", "DeleteUser", 1), key...), 200, "stored")
	want(t, post(e, event), 401, "credential")
	for _, bad := range []string{"", "[]", "hello", event + event, `{"id":"a","ID":"b"}`, event[:50], `"x"`} {
		want(t, post(e, bad, key...), 400, "one JSON object")
	}
	m := receive(t, e)
	if len(m) != 4 || m[0].Objects[0].Name != "eventbridge:6a7e8feb-b491-4cf7-a9f1-bf3703467718" || content(t, m[0].Objects[0]) != event {
		t.Errorf("got %+v", m)
	}
	if _, err := NewEventBridge(EventBridgeOptions{Common: Common{Name: "eb", Log: e.log}}); err == nil {
		t.Error("an endpoint for anybody")
	}
}

func TestFalco(t *testing.T) {
	e, err := NewFalco(FalcoOptions{Common: Common{Name: "falco", Log: openLog(t, FileLogOptions{})}, Access: Access{Path: []string{token}, Header: []Header{{"X-Token", token}}}})
	e = closing(t, e, err)
	key := []string{"X-Token", token}
	plain := `{"hostname":"n1","output":"09:00:00.1: Warning x","priority":"Warning","rule":"Trail stopped","source":"aws_cloudtrail","tags":["a"],"time":"2026-11-27T09:00:00.123456789Z","output_fields":{"ct.name":"StopLogging"}}`
	side := `{"uuid":"0d5a9b7e-6f9e-4a53-8d31-74b0b1f0d001",` + plain[1:]
	for _, body := range []string{
		plain, plain, // plain Falco names nothing: two equal alerts are two
		`{"priority":"notice","rule":"r","time":"2026-11-27T09:00:00Z","output":"o"}`,
		`{"priority":"Informational","rule":"r","time":"2026-11-27T09:00:00Z","output_fields":{"evt.num":1}}`,
		`{"priority":4,"rule":"r","time":1795770000000000000,"output":"o"}`,
		"[" + plain + "," + plain + "]", plain + "\n" + plain, side + "\n" + side,
	} {
		want(t, post(e, body, key...), 200, "stored")
	}
	want(t, post(e, side, key...), 200, "stored")
	want(t, post(e, side, key...), 200, "known")
	for body, says := range map[string]string{
		"09:00:00.1: Warning Trail stopped (user=x)":                                "json_output",
		`{"priority":"Warning","rule":"r","time":"2026-11-27T09:00:00Z"}`:           "output or output_fields",
		`{"priority":"Warning","rule":"r","output":"o"}`:                            "time",
		`{"priority":"Warning","rule":"r","output":"o","time":"09:00"}`:             "time",
		`{"priority":"Loud","rule":"r","output":"o","time":"2026-11-27T09:00:00Z"}`: "priority",
		`{"output":"o"}`:             "rule, priority, time",
		"[" + plain + `,{"a":1}]`:    "alert 2",
		"[1]":                        "alert 1",
		"[]":                         "none",
		"":                           "empty",
		plain[:len(plain)-5]:         "alert",
		`{"eventName":"AssumeRole"}`: "rule",
	} {
		want(t, post(e, body, key...), 400, says)
	}
	want(t, post(e, plain), 401, "credential")
	var alerts int
	for _, m := range receive(t, e) {
		alerts += strings.Count(content(t, m.Objects[0]), `"rule"`)
		ack(t, e, m)
	}
	if alerts != 12 {
		t.Errorf("%d alerts came, want 12", alerts)
	}
}
