package notify_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// TestPlain: a copy that shares nothing, with secrets masked and times that can be written.
func TestPlain(t *testing.T) {
	n := notify.Sample(yagura.OpRise)
	same, cut := notify.Plain(n, notify.Bounds{Text: 1 << 20, List: 1000})
	if d := cmp.Diff(n, same); d != "" || cut != 0 {
		t.Errorf("a notice without secrets changed, %d cuts:\n%s", cut, d)
	}
	secret := "ghp_" + strings.Repeat("aB3", 12)
	n.Issue.Title, n.Entry.Text, n.Finding.Output = "x "+secret, secret, secret
	n.Finding.Why = append(n.Finding.Why, yagura.Why{Field: "requestParameters.password", Actual: "hunter2hunter2"})
	n.Issue.Entities = append(n.Issue.Entities, yagura.Entity{Type: "user", ID: secret})
	n.Issue.LastSeen = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)
	n.Issue.Labels = []string{strings.Repeat("a", 100), "b", "c"}
	out, cut := notify.Plain(n, notify.Bounds{Text: 60, List: 2})
	body, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(body); strings.Contains(s, secret) || strings.Contains(s, "hunter2") {
		t.Errorf("a secret stays: %s", s)
	}
	if len(out.Issue.Labels) != 2 || !strings.Contains(out.Issue.Labels[0], "…") || cut == 0 {
		t.Errorf("%d cuts, labels %q", cut, out.Issue.Labels)
	}
	if n.Issue.Title != "x "+secret || len(n.Issue.Labels) != 3 {
		t.Error("the notice itself was changed")
	}
}

// TestFit makes a huge notice small, and says so.
func TestFit(t *testing.T) {
	n := notify.Sample(yagura.OpOpen)
	n.Issue.Title = strings.Repeat("<\x01あ", 1<<20)
	for range 100000 {
		n.Issue.Entities = append(n.Issue.Entities, yagura.Entity{Type: "ip", ID: strings.Repeat("\x02", 50)})
	}
	for _, most := range []int{1 << 20, 256 << 10, 32 << 10} {
		told := 0
		body, err := notify.Fit(n, most, func(n *yagura.Notice, cut int) ([]byte, error) { told = cut; return json.Marshal(n) })
		if err != nil || len(body) > most || told == 0 {
			t.Errorf("%d bytes of %d, %d cuts, %v", len(body), most, told, err)
		}
	}
}

// TestPlainFar: a secret that stands where a text is no longer looked at does not come
// through in part.
func TestPlainFar(t *testing.T) {
	for _, at := range []int{512<<10 - 30, 512<<10 - 10, 512 << 10} {
		n := notify.Sample(yagura.OpOpen)
		n.Issue.Title = strings.Repeat("a ", at/2) + "ghp_" + strings.Repeat("aB3", 12) + strings.Repeat(" b", 1000)
		out, cut := notify.Plain(n, notify.Bounds{Text: 1 << 20, List: 10})
		if strings.Contains(out.Issue.Title, "ghp") || cut == 0 || !strings.HasSuffix(out.Issue.Title, "…") {
			t.Errorf("%d: …%q, %d cuts", at, out.Issue.Title[max(0, len(out.Issue.Title)-60):], cut)
		}
	}
}
