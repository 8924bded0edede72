package push

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/segment/segtest"
)

// fuzzed throws a request at an endpoint: it must answer with a status that it may
// answer, hand out what it has stored, and give all memory back.
func fuzzed(t *testing.T, e *Endpoint, method, path, headers string, body []byte) {
	r, err := http.NewRequestWithContext(t.Context(), method, "http://x/in", bytes.NewReader(body))
	if err != nil {
		return // the server would not have let it through
	}
	r.URL.Path = path
	for line := range strings.Lines(headers) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name != "" {
			r.Header.Add(name, strings.TrimSpace(value))
		}
	}
	free := e.common.Memory.free.Load()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	switch w.Code {
	case 200, 400, 401, 403, 405, 411, 413, 415:
	case 503:
		if _, ok := e.speaks().(*sns); !ok {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	default:
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if e.common.Memory.free.Load() != free {
		t.Fatal("memory was not given back")
	}
	rows, err := e.log.Lease(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	list, err := e.messages(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	if stored := strings.Contains(w.Body.String(), `"stored"`) && method != "GET" && method != "HEAD"; stored != (len(list) == 1) {
		t.Fatalf("%s, and %d messages", w.Body, len(list))
	}
	for _, m := range list {
		for _, o := range m.Objects {
			if o.Name == "" || strings.ContainsAny(o.Name, " \n\x00") {
				t.Fatalf("an object is called %q", o.Name)
			}
			in, err := o.Open(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_ = in.Close()
		}
		if err := e.Ack(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func fuzzLog(f *testing.F, c *clock) Log {
	l, err := OpenFileLog(FileLogOptions{Dir: "received", FS: segtest.New(1), Now: c.now})
	if err != nil {
		f.Fatal(err)
	}
	return l
}

func FuzzGeneric(f *testing.F) {
	c := newClock()
	e, err := NewGeneric(GenericOptions{
		Common: Common{Name: "g", Log: fuzzLog(f, c), Now: c.now, Limits: Limits{Body: 64 << 10, Unpacked: 1 << 20}},
		Access: Access{Bearer: []string{token}, Path: []string{token}}, Webhook: WebhookKeys{Secrets: []string{secretA}},
	})
	if err != nil {
		f.Fatal(err)
	}
	signed := "webhook-id: m\nwebhook-timestamp: 1795770000\nwebhook-signature: " + sign(secretA, "m", time.Unix(1795770000, 0), "{}")
	f.Add("POST", "/in/"+token, "", []byte(`{"a":1}`))
	f.Add("POST", "/in", signed, []byte("{}"))
	f.Add("POST", "/in", "Authorization: "+auth+"\nContent-Encoding: gzip", pack(f, "gzip", []byte("[]")))
	f.Add("PUT", "/in", "Authorization: "+auth+"\nContent-Encoding: zstd\nWebhook-Id: a#b", pack(f, "zstd", []byte("[{}]")))
	f.Add("POST", "/in", "Authorization: "+auth+"\nContent-Encoding: deflate", pack(f, "zlib", []byte("{}\n{}")))
	f.Add("POST", "/in", "Authorization: Basic Og==", []byte("{"))
	f.Add("GET", "/", "", []byte{})
	f.Fuzz(func(t *testing.T, method, path, headers string, body []byte) {
		fuzzed(t, e, method, path, headers, body)
	})
}

func FuzzEventBridge(f *testing.F) {
	c := newClock()
	e, err := NewEventBridge(EventBridgeOptions{Common: Common{Name: "e", Log: fuzzLog(f, c), Now: c.now}, Access: Access{Anyone: true}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("POST", "/", "", []byte(`{"id":"a","detail-type":"b","source":"c"}`))
	f.Add("POST", "/", "", []byte(`{"id":"a","Id":"b"}`))
	f.Add("POST", "/", "", []byte(`{"id":"a"}{}`))
	f.Fuzz(func(t *testing.T, method, path, headers string, body []byte) {
		fuzzed(t, e, method, path, headers, body)
	})
}

func FuzzFalco(f *testing.F) {
	c := newClock()
	e, err := NewFalco(FalcoOptions{Common: Common{Name: "f", Log: fuzzLog(f, c), Now: c.now}, Access: Access{Anyone: true}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("POST", "/", "", []byte(`{"uuid":"u","priority":"Error","rule":"r","time":"2026-11-27T09:00:00Z","output":"o"}`))
	f.Add("POST", "/", "", []byte(`[{"priority":4,"rule":"r","time":1,"output_fields":{"a":1}}]`))
	f.Add("POST", "/", "", []byte(`09:00 Warning x`))
	f.Fuzz(func(t *testing.T, method, path, headers string, body []byte) {
		fuzzed(t, e, method, path, headers, body)
	})
}

func FuzzSNS(f *testing.F) {
	a, c := newAmazon(f), newClock()
	e, err := NewSNS(SNSOptions{Common: Common{Name: "s", Log: fuzzLog(f, c), Now: c.now}, Topics: []string{topicARN}, Roots: a.pool(), Dial: a.dial, Access: Access{Path: []string{token}}})
	if err != nil {
		f.Fatal(err)
	}
	e.speaks().(*sns).web.client.Transport.(*http.Transport).TLSClientConfig.Time = c.now
	path := "/" + token
	f.Add("POST", path, "", []byte(text(a.message(nil))))
	f.Add("POST", path, "", []byte(text(confirmation(a))))
	m := a.message(nil)
	m["x"] = 1
	f.Add("POST", path, "", []byte(text(m)))
	f.Add("POST", path, "X-Amz-Sns-Rawdelivery: true\nX-Amz-Sns-Message-Type: Notification\nX-Amz-Sns-Message-Id: r\nX-Amz-Sns-Topic-Arn: "+topicARN, []byte("raw"))
	f.Fuzz(func(t *testing.T, method, path, headers string, body []byte) {
		fuzzed(t, e, method, path, headers, body)
	})
}

// FuzzWhole holds the test for texts that may share an object to the parser: what is
// whole and is JSON stays so beside others.
func FuzzWhole(f *testing.F) {
	for _, s := range []string{`{"a":"}"}`, `[{"a":"\""}]`, "{}\n[]", `{"a`, "}", `"x"`, "{]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !whole(b) {
			return
		}
		joined := append(append([]byte(`{"before":1}`+"\n"), b...), "\n{\"after\":1}"...)
		if !whole(joined) {
			t.Fatalf("%q is whole alone and not beside others", b)
		}
		if strings.Count(string(b), `"`)%2 != 0 && !bytes.Contains(b, []byte(`\"`)) {
			t.Fatalf("%q has an open text", b)
		}
	})
}

// FuzzEntry reads entries and notes of damaged files.
func FuzzEntry(f *testing.F) {
	f.Add(sealEntry(nil, hashIdentity("x"), segPosition(3, 4), time.Unix(1, 0), []byte("body")))
	f.Add(sealMessage(nil, "webhook:a#b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := openEntry(b); err == nil {
			got := sealEntry(nil, e.hash, e.moved, e.received, e.body)
			if again, err := openEntry(got); err != nil || again.hash != e.hash || again.moved != e.moved || !again.received.Equal(e.received) || !bytes.Equal(again.body, e.body) {
				t.Fatalf("%x became %x", b, got)
			}
		}
		if id, payload, err := openMessage(b); err == nil {
			if id2, payload2, err := openMessage(append(sealMessage(nil, id), payload...)); err != nil || id2 != id || !bytes.Equal(payload, payload2) {
				t.Fatalf("%x reads otherwise", b)
			}
		}
	})
}
