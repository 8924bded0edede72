package detections_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/detect"
	"github.com/yagura-sec/yagura/query"
)

// sharedFiles lists recorded logs outside the repository; the test is skipped where there are none.
func sharedFiles(t *testing.T, pattern string) []string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "shared", "data", pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no recorded logs at ../shared/data/" + pattern)
	}
	return files
}

// judge is the shipped rules, ready to judge files.
type judge struct {
	eng *detect.Engine
	dec *decode.Decoder
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	eng, err := detect.New(shipped(t), detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := decode.New(decode.Options{Want: eng.Want})
	if err != nil {
		t.Fatal(err)
	}
	return &judge{eng, dec}
}

// file returns the findings on one file, and how many records it has.
func (j *judge) file(t *testing.T, file string) (found []yagura.Finding, records int) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	return j.read(t, in, file)
}

func (j *judge) read(t *testing.T, in io.Reader, file string) (found []yagura.Finding, records int) {
	t.Helper()
	m, w := j.eng.NewMatcher(), j.eng.NewWindows()
	defer w.Close()
	rd := j.dec.NewReader(in, file)
	defer rd.Close()
	for {
		rec, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if bad := (*decode.RecordError)(nil); errors.As(err, &bad) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		records++
		ev := rec.Event()
		meta := query.Meta{Num: uint64(records), Time: rec.Format.Time(rec), Format: rec.Format.Name, File: file}
		for _, h := range m.Match(rec.Format.Name, rec.Doc, meta) {
			if h.Feeds {
				if err := w.Add(m.Base(h, &ev)); err != nil {
					t.Fatal(err)
				}
			}
			if h.Finds {
				found = slices.AppendSeq(found, m.Findings(h, &ev))
			}
		}
	}
	if err := w.Finish(func(f yagura.Finding) error { found = append(found, f); return nil }); err != nil {
		t.Fatal(err)
	}
	return found, records
}

func atLeast(found []yagura.Finding, level yagura.Severity) (titles []string, events map[string]bool) {
	events = map[string]bool{}
	for _, f := range found {
		if f.Severity < level {
			continue
		}
		if !slices.Contains(titles, f.Rule.Title) {
			titles = append(titles, f.Rule.Title)
		}
		for _, id := range f.Events {
			events[id] = true
		}
	}
	return titles, events
}

// TestRecordedAttacks runs the shipped rules over recorded attack techniques.
func TestRecordedAttacks(t *testing.T) {
	files := sharedFiles(t, "aws/cloudtrail/stratus-detonation/aws.*.json")
	j, hit := newJudge(t), 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		found, _ := j.file(t, file)
		titles, _ := atLeast(found, yagura.SeverityMedium)
		if len(titles) == 0 {
			t.Errorf("%s: nothing at medium or above", name)
			continue
		}
		hit++
		t.Logf("%s: %s", name, strings.Join(titles, "; "))
	}
	t.Logf("%d of %d techniques at medium or above", hit, len(files))
}

// TestBackground runs them over a recorded day without an attack.
func TestBackground(t *testing.T) {
	file := sharedFiles(t, "aws/cloudtrail/opensearch-catalog.jsonl")[0]
	found, records := newJudge(t).file(t, file)
	_, high := atLeast(found, yagura.SeverityHigh)
	titles, medium := atLeast(found, yagura.SeverityMedium)
	t.Logf("%d records: %d events at high or above, %d at medium or above: %s", records, len(high), len(medium), strings.Join(titles, "; "))
	if len(high)*50 > records || len(medium)*10 > records {
		t.Errorf("too loud: more than 2 %% at high or more than 10 %% at medium")
	}
}

// TestRoomsApart holds the rules of one vendor off the logs of another.
func TestRoomsApart(t *testing.T) {
	j := newJudge(t)
	for vendor, pattern := range map[string]string{"aws": "aws/cloudtrail/*.jsonl", "gcp": "gcp/audit/*.json"} {
		for _, file := range sharedFiles(t, pattern) {
			found, _ := j.file(t, file)
			for _, f := range found {
				if workspace := vendor == "gcp" && strings.HasPrefix(f.Rule.File, "detections/workspace/"); workspace {
					continue // Google Workspace writes to Cloud Logging too
				}
				if !strings.HasPrefix(f.Rule.File, "detections/"+vendor+"/") {
					t.Errorf("%s: %s fires", file, f.Rule.File)
				}
			}
		}
	}
}

// TestTechniques holds the tags to ATT&CK: every technique that the catalogue has is
// named with one of its tactics, and no tactic stands without a technique.
func TestTechniques(t *testing.T) {
	data, err := os.ReadFile(sharedFiles(t, "attack/enterprise-attack-cloud-subset.json")[0])
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct {
		Objects []struct {
			Type               string
			Revoked            bool
			Deprecated         bool `json:"x_mitre_deprecated"`
			ExternalReferences []struct {
				SourceName string `json:"source_name"`
				ID         string `json:"external_id"`
			} `json:"external_references"`
			KillChainPhases []struct {
				Phase string `json:"phase_name"`
			} `json:"kill_chain_phases"`
		}
	}
	if err := json.Unmarshal(data, &bundle); err != nil {
		t.Fatal(err)
	}
	phases := map[string][]string{}
	for _, o := range bundle.Objects {
		if o.Type != "attack-pattern" || o.Revoked || o.Deprecated || len(o.ExternalReferences) == 0 {
			continue
		}
		for _, p := range o.KillChainPhases {
			id := "attack." + strings.ToLower(o.ExternalReferences[0].ID)
			phases[id] = append(phases[id], "attack."+p.Phase)
		}
	}
	checked := 0
	for _, r := range loud(shipped(t)) {
		var tactics, covered []string
		known := true
		for _, tag := range r.Tags {
			switch {
			case !strings.HasPrefix(tag, "attack."):
			case !technique.MatchString(tag):
				tactics = append(tactics, tag)
			case phases[tag] == nil: // the catalogue at hand holds cloud techniques only
				known = false
			default:
				checked++
				covered = append(covered, phases[tag]...)
				if !slices.ContainsFunc(phases[tag], func(p string) bool { return slices.Contains(r.Tags, p) }) {
					t.Errorf("%s: %s without one of its tactics %v", r.File, tag, phases[tag])
				}
			}
		}
		for _, tactic := range tactics {
			if known && !slices.Contains(covered, tactic) {
				t.Errorf("%s: %s without a technique of it", r.File, tactic)
			}
		}
	}
	t.Logf("%d techniques checked", checked)
}
