package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/source/sourcetest"
)

// TestOrganisation: accounts of the organisation are known from the start, below what is
// configured; a list that cannot be read anew holds, and is a finding after a day.
func TestOrganisation(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	clock := sourcetest.NewClock()
	org := sourcetest.NewOrganizations(t, clock)
	org.Add(sourcetest.Member{ID: "111122223333", Name: "shop", Tags: map[string]string{"team": "payments", "stage": "prod"}})
	org.Add(sourcetest.Member{ID: "444455556666", Name: "lab"})
	s := newStand(t)
	s.cfg.Organizations = config.Organizations{Enabled: true, Endpoint: org.URL, EnvironmentTags: []string{"stage"}}
	s.cfg.Accounts = map[string]config.Account{"111122223333": {Name: "our shop"}}
	s.start()
	info := s.serve.registry.load().Lookup("111122223333")
	if info.Name != "our shop" || info.Owner != "payments" || info.Environment != "prod" || !info.Listed {
		t.Fatalf("%+v", info)
	}
	if !s.serve.registry.load().Lookup("444455556666").Listed || s.serve.registry.load().Lookup("777788889999").Listed {
		t.Error("who is listed is not known")
	}
	s.post(trail("2026-03-02T09:00:00Z", "cloudtrail.amazonaws.com", "StopLogging", `{"name":"audit"}`))
	if is := s.issue("CloudTrail logging disabled"); is.AccountInfo.Owner != "payments" {
		t.Errorf("%+v", is.AccountInfo)
	}

	// A reload keeps the list.
	if err := s.serve.Reload(t.Context()); err != nil || s.serve.registry.load().Lookup("111122223333").Owner != "payments" {
		t.Errorf("%v, %+v", err, s.serve.registry.load().Lookup("111122223333"))
	}

	// The list is old and cannot be read.
	org.Allow(func(string, string) bool { return false })
	at := time.Now().Add(25 * time.Hour)
	s.serve.o.Config.Organizations.Age = config.Duration(time.Nanosecond)
	if err := s.serve.readOrganisation(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // one finding for one list
		if err := s.serve.readOrganisation(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	is := s.issue("The accounts of the organisation cannot be listed")
	if is.Count != 1 || !strings.Contains(is.Latest.Output, "access denied") {
		t.Errorf("%+v", is)
	}
	if s.serve.registry.load().Lookup("111122223333").Owner != "payments" {
		t.Error("the old list does not hold")
	}
}

// TestOrganisationAway: a server starts without the list, and reads it later.
func TestOrganisationAway(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	org := sourcetest.NewOrganizations(t, sourcetest.NewClock())
	org.Add(sourcetest.Member{ID: "111122223333", Name: "shop"})
	org.Allow(func(string, string) bool { return false })
	s := newStand(t)
	s.cfg.Organizations = config.Organizations{Enabled: true, Endpoint: org.URL}
	s.start()
	if s.serve.registry.load().Lookup("111122223333").Listed {
		t.Fatal("it is listed already")
	}
	org.Allow(nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.serve.readOrganisation(ctx, time.Now()); err != nil || !s.serve.registry.load().Lookup("111122223333").Listed {
		t.Error(err)
	}
}
