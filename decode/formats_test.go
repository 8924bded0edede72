package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/slot"
)

var recordGoldens = flag.Bool("record", false, "rewrite the goldens of the formats")

// fixtures lists the input files of testdata by the format that they are of.
func fixtures(t testing.TB) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{"json/*.json", "cef/*.json", "leef/*.json", "syslog/*.json", "*/*.log", "*/*.csv"} {
		others, _ := filepath.Glob("testdata/" + more)
		files = append(files, others...)
	}
	by := map[string][]string{}
	for _, f := range files {
		name := filepath.Base(filepath.Dir(f))
		by[name] = append(by[name], f)
	}
	return by
}

// standard is the decoder of all formats.
var standard = sync.OnceValue(func() *Decoder {
	d, err := New(Options{})
	if err != nil {
		panic(err)
	}
	return d
})

// events decodes data whole and fails the test on any error.
func events(t testing.TB, data []byte, file string) []yagura.Event {
	t.Helper()
	return eventsOf(t, standard(), data, file)
}

func eventsOf(t testing.TB, dec *Decoder, data []byte, file string) []yagura.Event {
	t.Helper()
	var list []yagura.Event
	for r := dec.NewReader(bytes.NewReader(data), file); ; {
		rec, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, rec.Event())
	}
}

// TestGoldens decodes every fixture and compares with what was recorded. Every
// format has at least three records in each of its shapes.
func TestGoldens(t *testing.T) {
	by := fixtures(t)
	for _, f := range Formats() {
		if len(by[f.Name]) == 0 {
			t.Errorf("format %s has no fixture in testdata/%s", f.Name, f.Name)
		}
	}
	for name, files := range by {
		for _, file := range files {
			t.Run(name+"/"+filepath.Base(file), func(t *testing.T) {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				var got bytes.Buffer
				list := events(t, data, filepath.Base(file))
				for _, e := range list {
					if e.Format != name {
						t.Errorf("a record is taken for %s: %s", e.Format, e.Raw)
					}
					line, err := json.Marshal(e)
					if err != nil {
						t.Fatal(err)
					}
					got.Write(append(line, '\n'))
				}
				golden := strings.TrimSuffix(file, filepath.Ext(file)) + ".golden.jsonl"
				if *recordGoldens {
					if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
					t.Errorf("(-golden +got; go test -run TestGoldens -record rewrites)\n%s", diff)
				}
			})
		}
	}
}

// TestTruncated cuts every fixture inside its last record: what stands before is
// decoded, and the cut is reported with its place.
func TestTruncated(t *testing.T) {
	for name, files := range fixtures(t) {
		for _, file := range files {
			if !strings.HasSuffix(file, ".json") {
				continue // what is missing of a line of text is not always to be seen
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			whole := len(events(t, data, file))
			cut := bytes.TrimRight(data, "]} \r\n")
			dec := standard()
			good, bad := 0, []*RecordError(nil)
			for r := dec.NewReader(bytes.NewReader(cut), file); ; {
				_, err := r.Next()
				if err == io.EOF {
					break
				}
				var e *RecordError
				switch {
				case err == nil:
					good++
				case errors.As(err, &e):
					bad = append(bad, e)
				default:
					t.Fatal(err)
				}
			}
			if len(bad) == 0 || good >= whole {
				t.Errorf("%s (%s): %d of %d records, %d errors after cutting the last", file, name, good, whole, len(bad))
				continue
			}
			last := bad[len(bad)-1]
			if last.File != file || last.Reason == "" || last.Offset < 0 || last.Offset >= int64(len(cut)) || last.Num == 0 {
				t.Errorf("%s: the error does not say the place: %+v", file, last)
			}
		}
	}
}

// lone scans records with the fields of one format only.
type lone struct {
	plan *slot.Plan
	rec  Record
}

func alone(f *Format) *lone {
	b := slot.NewBuilder()
	l := &lone{rec: Record{Format: f, File: "test", Num: 1}}
	l.rec.slots = slotsOf(b, f.Fields)
	l.plan = b.Plan()
	l.rec.Doc = l.plan.NewDoc()
	return l
}

func (l *lone) scan(t testing.TB, raw []byte) *Record {
	t.Helper()
	if _, err := l.plan.Scan(raw, l.rec.Doc); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return &l.rec
}

// TestConfusion holds every record of every fixture against every format: its own
// takes it, no other does.
func TestConfusion(t *testing.T) {
	var all []*lone
	for _, f := range Formats() {
		if f != generic {
			all = append(all, alone(f))
		}
	}
	for name, files := range fixtures(t) {
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events(t, data, file) {
				for _, l := range all {
					f := l.rec.Format
					if is := f.Is(l.scan(t, e.Raw)); is != (f.Name == name) {
						t.Errorf("%s: Is of %s says %v of %s", file, f.Name, is, e.Raw)
					}
				}
			}
		}
	}
}

// TestNoAllocation: recognising, keying and timing a record allocate nothing, in
// any format.
func TestNoAllocation(t *testing.T) {
	for name, files := range fixtures(t) {
		var f *Format
		for _, x := range Formats() {
			if x.Name == name {
				f = x
			}
		}
		l := alone(f)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events(t, data, file) {
				r := l.scan(t, e.Raw)
				n := testing.AllocsPerRun(10, func() {
					_, _ = l.plan.Scan(e.Raw, l.rec.Doc)
					f.Is(r)
					f.Key(r)
					f.Time(r)
				})
				if n != 0 {
					t.Errorf("%s: %v allocations for %s", file, n, e.Raw)
				}
			}
		}
	}
}

// TestShapesAgree: one event delivered in several shapes has one key and one header
// in all of them.
func TestShapesAgree(t *testing.T) {
	for _, name := range []string{"entra.audit", "entra.signin"} {
		first := map[string]yagura.Event{}
		for _, shape := range []string{"eventhub", "loganalytics", "graph", "datadog"} {
			file := filepath.Join("testdata", name, shape+".json")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events(t, data, file) {
				have, ok := first[e.ID]
				if !ok {
					first[e.ID] = e
					continue
				}
				if e.Key != have.Key {
					t.Errorf("%s: %s has key %s, and %s in %s", file, e.ID, e.Key, have.Key, have.File)
				}
				type header struct {
					Actor           yagura.Actor
					Targets         []yagura.Entity
					Action, Outcome string
					SrcIP           string
				}
				a := header{have.Actor, have.Targets, have.Action, have.Outcome, have.SrcIP}
				b := header{e.Actor, e.Targets, e.Action, e.Outcome, e.SrcIP}
				if diff := cmp.Diff(a, b); diff != "" {
					t.Errorf("%s: %s differs from %s\n%s", file, e.ID, have.File, diff)
				}
				if d := e.Time.Sub(have.Time); d > 1e6 || d < -1e6 {
					if !strings.Contains(file, "datadog") { // the fixture holds another time on purpose
						t.Errorf("%s: %s is %v from %s", file, e.ID, d, have.File)
					}
				}
			}
		}
	}
}

// TestBehind: the human whom a record names behind its actor is an entity.
func TestBehind(t *testing.T) {
	const trail = `{"eventVersion":"1.08","eventID":"e","eventTime":"2024-03-05T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/r/s"`
	for _, c := range []struct{ name, record, human string }{
		{"source identity", trail + `,"sessionContext":{"sourceIdentity":"alice"}}}`, "alice"},
		{"on behalf of", trail + `,"onBehalfOf":{"userId":"d11e","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"}}}`, "d11e"},
		{"GitHub's name of the identity provider", `{"@timestamp":1709672400123,"action":"repo.destroy","actor":"dave","org":"o","external_identity_nameid":"dave@example.com"}`, "dave@example.com"},
	} {
		list := events(t, []byte(c.record), c.name)
		if len(list) != 1 || !slices.Contains(list[0].Entities, yagura.Entity{Type: yagura.EntityUser, ID: c.human}) {
			t.Errorf("%s: %+v", c.name, list)
		}
	}
}

// TestWho: who acted, where a record has no person to name.
func TestWho(t *testing.T) {
	for _, c := range []struct {
		name, record, format string
		want                 yagura.Actor
	}{
		{"Duo itself", `{"action":"admin_activate_duo_push","description":null,"isotimestamp":"2021-07-20T11:44:37+00:00","object":"x","timestamp":1626781477,"username":""}`, "duo.admin", yagura.Actor{}},
		{"Duo, without a description", `{"action":"user_update","isotimestamp":"2021-07-20T11:45:11+00:00","object":"x","timestamp":1626781511,"username":"ann"}`, "duo.admin",
			yagura.Actor{Type: "user", ID: "ann", Name: "ann"}},
		{"a risky user", `{"category":"RiskyUsers","operationName":"Risky user","time":"9/9/2022 9:59:27 AM","properties":{"id":"cccccccc-0000-4000-8000-000000000003","userPrincipalName":"alice@example.com","riskState":"atRisk"}}`, "entra.risk",
			yagura.Actor{Type: "user", ID: "cccccccc-0000-4000-8000-000000000003", Name: "alice@example.com"}},
		{"a firewall without an operation", `{"category":"AZFWNatRule","properties":{"SourceIp":"192.0.2.1"},"resourceId":"/SUBSCRIPTIONS/A/RESOURCEGROUPS/B/PROVIDERS/MICROSOFT.NETWORK/AZUREFIREWALLS/C","time":"2024-01-31T23:39:49Z"}`, "azure.resource",
			yagura.Actor{}},
		{"Bitbucket itself", `{"auditType":{"action":"Elasticsearch settings changed","category":"Global administration"},"author":{"id":"-1","name":"System","type":"system"},"timestamp":{"epochSecond":1638034511,"nano":1}}`, "bitbucket.audit",
			yagura.Actor{Type: "service_principal", ID: "System", Name: "System"}},
		{"the system of Exchange", `{"CreationTime":"2024-04-15T08:30:00","Id":"i","Operation":"Set-Mailbox","OrganizationId":"o","RecordType":1,"UserId":"NT AUTHORITY\\SYSTEM (w3wp)","UserType":3,"Workload":"Exchange"}`, "m365.audit",
			yagura.Actor{Type: "service_principal", ID: `NT AUTHORITY\SYSTEM (w3wp)`, Name: `NT AUTHORITY\SYSTEM (w3wp)`}},
	} {
		list := events(t, []byte(c.record), c.name)
		if len(list) != 1 || list[0].Format != c.format || list[0].Actor != c.want {
			t.Errorf("%s: %+v", c.name, list)
		}
	}
}
