package decode

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// TestDatadogOfServices: a record of each of these formats is the same in every envelope
// of Datadog.
func TestDatadogOfServices(t *testing.T) {
	by := fixtures(t)
	for _, name := range []string{"entra.provisioning", "microsoft.graph_activity", "azure.resource", "microsoft.alert", "slack.audit",
		"cloudflare.audit", "cloudflare.http", "cloudflare.firewall", "cloudflare.access", "cloudflare.gateway", "prowler.finding", "ocsf.event"} {
		for _, file := range by[name] {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events(t, data, file) {
				for _, wrap := range []string{
					`{"id":"A","type":"log","attributes":{"attributes":%s,"timestamp":"2024-03-05T20:00:00Z","tags":["a:b"],"service":"s"}}`,
					`{"id":"A","content":{"attributes":%s,"timestamp":"2024-03-05T20:00:00Z","tags":["a:b"]}}`,
					`{"_id":"A","date":"2024-03-05T20:00:00Z","attributes":%s,"service":"s","tags":["a:b"]}`,
				} {
					got := events(t, fmt.Appendf(nil, wrap, e.Raw), file)
					if len(got) != 1 || got[0].Format != name {
						t.Errorf("%s in %s: %+v", name, wrap, got)
						continue
					}
					evidence := bytes.Contains(e.Raw, []byte("AlertEvidence")) // keyed by its place
					if e.ID != "" && !evidence && got[0].Key != e.Key || got[0].Action != e.Action || !got[0].Time.Equal(e.Time) || got[0].Outcome != e.Outcome {
						t.Errorf("%s in %s is another event: %+v", name, wrap, got[0])
					}
				}
			}
		}
	}
}
