package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
	"github.com/yagura-sec/yagura/store/storetest"
)

// TestReplicas: three replicas on one PostgreSQL, one hot cause and many small ones: one issue
// each, here and at GitHub, every finding counted once, and no deadlock.
func TestReplicas(t *testing.T) {
	url := storetest.Postgres(t)
	first := newStand(t)
	first.cfg.Store = config.Secret(url)
	stands := []*stand{first}
	for range 2 {
		cfg := *first.cfg
		cfg.Data = t.TempDir()
		stands = append(stands, &stand{t: t, cfg: &cfg, gh: first.gh, pd: first.pd})
	}
	for _, s := range stands {
		s.start()
	}
	const rounds, each, causes = 20, 50, 10
	var sends sync.WaitGroup
	total := 0
	for i, s := range stands {
		var bodies []string
		for r := range rounds {
			var lines []string
			for n := range each {
				trailName := "hot"
				if n%5 == 0 {
					trailName = fmt.Sprintf("trail-%d", (r+n)%causes)
				}
				lines = append(lines, trail(fmt.Sprintf("2026-03-02T%02d:%02d:%02dZ", 9+i, r, n), "cloudtrail.amazonaws.com", "StopLogging", fmt.Sprintf(`{"name":"%s"}`, trailName)))
			}
			total += len(lines)
			bodies = append(bodies, strings.Join(lines, "\n"))
		}
		sends.Go(func() {
			for _, body := range bodies {
				req, err := http.NewRequest(http.MethodPost, "http://"+s.serve.Addr()+"/in", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Authorization", "Bearer "+testToken)
				req.Header.Set("Content-Type", "application/x-ndjson")
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("status %d", resp.StatusCode)
				}
			}
		})
	}
	sends.Wait()
	first.until("all is judged and kept", func() bool {
		l := first.ledger()
		return len(l.Sources) == 1 && l.Sources[0].Judged == int64(total) && l.Sources[0].Kept == int64(total)
	})
	first.settled()
	var counted, filed uint64
	titles := 0
	for _, is := range first.issues() {
		if is.Title == "CloudTrail logging disabled" {
			counted += is.Count
			titles++
			err := first.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				for after := ""; ; {
					page, next, err := tx.Findings(ctx, is.ID, after, 1000)
					filed += uint64(len(page))
					if after = next; err != nil || next == "" {
						return err
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if titles != causes+1 || counted != uint64(total) || filed != uint64(total) {
		t.Errorf("%d issues, %d findings counted and %d filed; want %d, %d", titles, counted, filed, causes+1, total)
	}
	if n := len(first.gh.Issues("acme/security")); n != len(first.issues()) {
		t.Errorf("%d issues, %d at GitHub", len(first.issues()), n)
	}
	if n := len(first.pd.Incidents()); n != titles {
		t.Errorf("%d incidents, want %d", n, titles)
	}
}

// TestReplicasTellAtOnce: replicas that write down at one moment how they are, and who sent to
// them, lose nothing of each other.
func TestReplicasTellAtOnce(t *testing.T) {
	url := storetest.Postgres(t)
	first := newStand(t)
	first.cfg.Store = config.Secret(url)
	stands := []*stand{first}
	for range 3 {
		cfg := *first.cfg
		cfg.Data = t.TempDir()
		stands = append(stands, &stand{t: t, cfg: &cfg, gh: first.gh, pd: first.pd})
	}
	for _, s := range stands {
		s.start()
	}
	now := time.Now()
	for round := range 5 {
		var at sync.WaitGroup
		for i, s := range stands {
			s.serve.in.Heard("in", map[string]time.Time{fmt.Sprintf("%d-%d", round, i): now})
			at.Go(func() {
				if err := errors.Join(s.serve.house.status(t.Context(), now), s.serve.house.silence(t.Context(), now)); err != nil {
					t.Error(err)
				}
			})
		}
		at.Wait()
	}
	err := first.serve.db.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var names map[string]time.Time
		all := map[string]*rhythm{}
		for key, v := range map[string]any{"replicas": &names, "rhythm/in": &all} {
			data, _, err := tx.State(ctx, key)
			if err != nil {
				return err
			}
			if err := json.Unmarshal(data, v); err != nil {
				return err
			}
		}
		if len(names) != len(stands) || len(all) != 5*len(stands) {
			t.Errorf("%d replicas and %d accounts, want %d and %d", len(names), len(all), len(stands), 5*len(stands))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
