package accounts

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/source/sourcetest"
)

func organisation(t *testing.T) (*sourcetest.Organizations, *sourcetest.Clock, Options) {
	t.Helper()
	clock := sourcetest.NewClock()
	o := sourcetest.NewOrganizations(t, clock)
	prod := o.Unit("Prod", "")
	pay := o.Unit("Payments", prod)
	for i := range 45 { // three pages
		o.Add(sourcetest.Member{ID: fmt.Sprintf("%012d", 1000-i), Name: fmt.Sprint("a", i), Parent: prod})
	}
	o.Add(sourcetest.Member{ID: "111122223333", Name: "shop", Parent: pay, Tags: map[string]string{
		"Team": "payments", "ENV": "prod", "slack-channel": "#pay", "Repository": "corp/pay", "cost": "12"}})
	o.Add(sourcetest.Member{ID: "444455556666", Name: "old", State: "SUSPENDED", Tags: map[string]string{"owner": "nobody", "team": "second"}})
	return o, clock, Options{Endpoint: o.URL, AccessKeyID: "key", SecretAccessKey: "secret", Now: clock.Now,
		Cache: filepath.Join(t.TempDir(), "accounts.json"), MaxAttempts: 3}
}

func TestLoad(t *testing.T) {
	o, clock, opts := organisation(t)
	throttled := 0
	o.Before(func(w http.ResponseWriter, _ *http.Request, action string) bool {
		if throttled == 2 || action != "ListTagsForResource" {
			return false
		}
		throttled++
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"TooManyRequestsException","Message":"slow down"}`)
		return true
	})
	l, err := Load(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Accounts) != 47 || l.Organisation != sourcetest.OrganizationID || l.Stale != nil || l.Partial != nil || throttled != 2 {
		t.Errorf("%d accounts of %s, %v, %v, after %d refusals", len(l.Accounts), l.Organisation, l.Stale, l.Partial, throttled)
	}
	want := []yagura.AccountInfo{
		{ID: "111122223333", Name: "shop", Organisation: sourcetest.OrganizationID, Owner: "payments", Environment: "prod", Channel: "#pay", Repository: "corp/pay",
			Tags: []string{"cost=12", "env=prod", "repository=corp/pay", "slack-channel=#pay", "team=payments", "ou=Root/Prod/Payments"}, Listed: true},
		{ID: "444455556666", Name: "old", Organisation: sourcetest.OrganizationID, Owner: "nobody", Tags: []string{"owner=nobody", "team=second", "ou=Root", "state=suspended"}, Listed: true},
	}
	if d := cmp.Diff(want, l.Accounts[45:]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"ou=Root/Prod"}, l.Accounts[0].Tags); d != "" {
		t.Error(d)
	}

	// Young enough, it comes from the file.
	calls := o.Calls("ListAccounts")
	again, err := Load(t.Context(), opts)
	if err != nil || o.Calls("ListAccounts") != calls {
		t.Errorf("asked again: %v", err)
	}
	if d := cmp.Diff(l, again); d != "" {
		t.Error(d)
	}
	if info, err := os.Stat(opts.Cache); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	// Too old and out of reach, it says so.
	clock.Advance(7 * time.Hour)
	o.Allow(func(_, action string) bool { return action != "ListAccounts" })
	stale, err := Load(t.Context(), opts)
	if err != nil || len(stale.Accounts) != 47 || stale.Stale == nil || !strings.Contains(stale.Stale.Error(), "organizations:ListAccounts") || !stale.Read.Equal(l.Read) {
		t.Errorf("%+v, %v", stale, err)
	}
	// Back again, it is fresh.
	o.Allow(nil)
	if fresh, err := Load(t.Context(), opts); err != nil || fresh.Stale != nil || !fresh.Read.Equal(clock.Now()) {
		t.Errorf("%v, %v", fresh, err)
	}
}

// TestPartial: without the units the accounts are there all the same; without tags they are not.
func TestPartial(t *testing.T) {
	o, _, opts := organisation(t)
	o.Allow(func(_, action string) bool { return action != "ListRoots" })
	l, err := Load(t.Context(), opts)
	if err != nil || len(l.Accounts) != 47 || l.Partial == nil || !strings.Contains(l.Partial.Error(), "organizations:ListRoots") {
		t.Errorf("%+v, %v", l, err)
	}
	opts.Cache = ""
	o.Allow(func(_, action string) bool { return action != "ListTagsForResource" })
	if _, err := Load(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "organizations:ListTagsForResource") {
		t.Errorf("got %v", err)
	}
}

func TestRole(t *testing.T) {
	o, clock, opts := organisation(t)
	s := sourcetest.NewSTS(t, clock)
	s.Trust("arn:aws:iam::111122223333:role/list", "shared-id")
	o.Allow(func(key, _ string) bool { return s.Role(key) == "arn:aws:iam::111122223333:role/list" })
	opts.RoleARN, opts.STSEndpoint, opts.ExternalID = "arn:aws:iam::111122223333:role/list", s.URL, "shared-id"
	if _, err := Load(t.Context(), opts); err != nil {
		t.Error(err)
	}
	opts.Cache, opts.ExternalID = "", "wrong"
	if _, err := Load(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "the role cannot be taken on: AccessDenied") {
		t.Errorf("got %v", err)
	}
}

func TestCache(t *testing.T) {
	o, _, opts := organisation(t)
	o.Allow(func(string, string) bool { return false })
	for text, want := range map[string]string{"{": "unexpected end", `{"v":2}`: "version 2", "": "unexpected end"} {
		if err := os.WriteFile(opts.Cache, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(t.Context(), opts); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "access denied") {
			t.Errorf("%q: got %v", text, err)
		}
	}
	// A file that cannot be written is told, and the list is there.
	o.Allow(nil)
	opts.Cache = filepath.Join(t.TempDir(), "no", "folder.json")
	if l, err := Load(t.Context(), opts); err != nil || l.Partial == nil || !strings.Contains(l.Partial.Error(), "cannot be kept") {
		t.Errorf("%+v, %v", l, err)
	}
	o.Before(func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AWSOrganizationsNotInUseException","Message":"no"}`)
		return true
	})
	if _, err := Load(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "in no organisation") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
