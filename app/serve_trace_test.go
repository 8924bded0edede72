package app

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestTraces: a collector that speaks OTLP gets spans of what was received, committed and
// delivered.
func TestTraces(t *testing.T) {
	var mu sync.Mutex
	spans := map[string][]*tracepb.Span{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			body = z
		}
		data, err := io.ReadAll(body)
		var req collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(data, &req) != nil {
			http.Error(w, "no traces", http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, rs := range req.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					spans[s.Name] = append(spans[s.Name], s)
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer server.Close()
	s := newStand(t)
	s.cfg.Tracing.Endpoint = server.URL
	s.start()
	s.post(trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	s.settled()
	s.stop() // sends what waits
	mu.Lock()
	defer mu.Unlock()
	attribute := func(s *tracepb.Span, key string) any {
		for _, a := range s.Attributes {
			if a.Key == key {
				if a.Value.GetStringValue() != "" {
					return a.Value.GetStringValue()
				}
				return a.Value.GetIntValue()
			}
		}
		return nil
	}
	if len(spans["receive"]) != 1 || attribute(spans["receive"][0], "yagura.source") != "in" {
		t.Errorf("receive: %v", spans["receive"])
	}
	records, findings := int64(0), int64(0)
	for _, c := range spans["commit"] {
		records += attribute(c, "yagura.records").(int64)
		findings += attribute(c, "yagura.findings").(int64)
	}
	if records != 1 || findings == 0 {
		t.Errorf("commit: %d records, %d findings", records, findings)
	}
	sinks := map[any]bool{}
	for _, d := range spans["deliver"] {
		sinks[attribute(d, "yagura.sink")] = true
		if attribute(d, "yagura.op") != "open" || attribute(d, "yagura.attempts") != int64(1) {
			t.Errorf("deliver: %v", d)
		}
	}
	if !sinks["github"] || !sinks["pagerduty"] {
		t.Errorf("deliver: %v", sinks)
	}
}

// TestTracesDisturbNothing: without a collector all is judged and delivered as with one.
func TestTracesDisturbNothing(t *testing.T) {
	refused := httptest.NewServer(http.NotFoundHandler())
	refused.Close()
	s := newStand(t)
	s.cfg.Tracing.Endpoint = refused.URL
	s.start()
	s.post(trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	s.settled()
	if n := len(s.gh.Issues("acme/security")); n == 0 {
		t.Error("nothing was delivered")
	}
	s.stop()
}
