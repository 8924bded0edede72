//go:build linux

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// TestConsoleSpeed measures the API over a database of 100,000 issues and 5 million findings,
// as a browser asks it: the first page after a start, lists, filters and the overview. It needs
// YAGURA_PROVE=1 and the database that the store's TestLists made in YAGURA_PROVE_DIR.
func TestConsoleSpeed(t *testing.T) {
	dir := os.Getenv("YAGURA_PROVE_DIR")
	if os.Getenv("YAGURA_PROVE") == "" || dir == "" {
		t.Skip("set YAGURA_PROVE=1 and YAGURA_PROVE_DIR to measure the API")
	}
	if _, err := os.Stat(filepath.Join(dir, "yagura.db")); err != nil {
		t.Fatalf("%v (hint: YAGURA_PROVE=1 go test ./store -run 'TestLists$' makes it)", err)
	}
	start := time.Now()
	end := time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC) // of the database
	s := &stand{t: t, clock: func() time.Time { return end.Add(time.Since(start)) },
		cfg: &config.Config{Data: dir, AcceptLoss: true, Server: config.Server{Listen: "127.0.0.1:0"}}}
	// A service that was at work when the issues were made has told their stories.
	told, err := store.Open(t.Context(), store.Options{Dir: dir, AcceptLoss: true, Now: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	err = told.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		data, err := json.Marshal(end)
		if err != nil {
			return err
		}
		return tx.PutState(ctx, "story", data)
	})
	if err = errors.Join(err, told.Close()); err != nil {
		t.Fatal(err)
	}
	start = time.Now()
	door := &DemoDoor{}
	serve, err := NewServe(t.Context(), ServeOptions{Config: s.cfg, Now: s.clock, Demo: door, Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	s.run(serve)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	visitor := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(path string) (size int) {
		resp, err := visitor.Get("http://" + serve.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %s %v %.300s", path, resp.Status, err, body)
		}
		return len(body)
	}
	link, err := door.Link()
	if err != nil {
		t.Fatal(err)
	}
	get(link)
	list := func(of, q, sort string) string {
		return "/api/v1/" + of + "?" + url.Values{"q": {q}, "sort": {sort}, "limit": {"100"}}.Encode()
	}
	get(list("issues", "status:open", "-severity"))
	if took := time.Since(start); took > time.Second {
		t.Errorf("first page after the start: %v, want less than 1 s", took)
	} else {
		t.Logf("first page after the start: %v", took.Round(time.Millisecond))
	}
	const rounds = 20
	measure := func(path string, bound time.Duration) {
		var took []time.Duration
		size, used := 0, processTime()
		for range rounds {
			begin := time.Now()
			size = get(path)
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		p95 := took[(rounds*95+99)/100-1]
		name, err := url.QueryUnescape(path)
		if err != nil {
			t.Fatal(err)
		}
		said := fmt.Sprintf("%-110s %7d bytes  p50 %6.1f ms  p95 %6.1f ms  processor %6.1f ms", name, size, ms(took[rounds/2]), ms(p95), ms(processTime()-used)/rounds)
		if p95 > bound {
			t.Errorf("%s, want at most %v", said, bound)
		} else {
			t.Log(said)
		}
	}
	const page, filtered = 100 * time.Millisecond, 200 * time.Millisecond
	for _, of := range []string{"issues", "findings", "entities", "accounts", "rules", "sources", "sinks", "notices", "dead-letters", "audit", "users", "tokens", "hunts", "documents"} {
		measure(list(of, "", ""), page)
	}
	measure("/api/v1/views", page)
	for _, sort := range []string{"-severity", "-seen", "-opened", "-count", "title"} {
		measure(list("issues", "", sort), page)
	}
	for _, sort := range []string{"-severity", "-time", "rule", "account"} {
		measure(list("findings", "", sort), page)
	}
	measure("/api/v1/overview", page)
	for _, q := range []string{"severity:>=high status:open", "account:100000079190 status:open", "entity:*person77", "ip:11.0.0.0/16", "technique:T1007", "seen:<24h", "権限", "漏洩", "監査 status:open", "zzz", "-label:known kind:posture"} {
		measure(list("issues", q, "")+"&total=1", filtered)
	}
	for _, q := range []string{"severity:>=high account:100000079190", "actor:person77", "ip:11.0.0.0/16", "technique:T1007", "権限", "person3999", "zzzz"} {
		measure(list("findings", q, "")+"&total=1", filtered)
	}
	for _, q := range []string{"", "status:open", "権限", "severity:>=high"} {
		measure("/api/v1/issues/counts?q="+url.QueryEscape(q), filtered)
	}
	for _, q := range []string{"person77", "11.0.12.34", "権限"} {
		measure("/api/v1/search?q="+url.QueryEscape(q), filtered)
	}
	const issue = "/api/v1/issues/01J00000000000000000050000"
	for _, of := range []string{"", "/timeline", "/findings", "/notices", "/related", "/graph", "/events"} {
		measure(issue+of, filtered)
	}
	person := "/api/v1/entities/user/" + url.PathEscape("arn:aws:iam::100000609763:user/person77")
	measure(person, filtered)
	measure(person+"/graph", filtered)
	for _, q := range []string{"type:ip", "person77", "ip:11.0.0.0/16", "severity:critical"} {
		measure(list("entities", q, ""), filtered)
	}
}

// processTime is what this process took of the processors.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
