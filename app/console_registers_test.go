package app

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
)

// TestCheckAudit: a trail that is whole is said to be, with its head, and a line that somebody
// changed behind it is named.
func TestCheckAudit(t *testing.T) {
	h := newConsoleHouse(t)
	admin := h.badgeOf("admin", yagura.Binding{Role: yagura.RoleAdmin})
	for range 3 {
		admin.call(200, "POST", "/views", anyView, nil)
	}
	lines := int64(len(auditLines(t, h.c.db)))
	var check api.AuditCheck
	admin.call(200, "GET", "/audit/check", "", &check)
	if !check.OK || check.Lines != lines || lines < 3 || len(check.Head) != 64 || check.BrokenAt != 0 || check.At.IsZero() {
		t.Errorf("%d lines: %+v", lines, check)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.c.cfg.Data, "yagura.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is done with it
	if _, err := db.Exec(`UPDATE audit SET who = 'user:eve' WHERE seq = 2`); err != nil {
		t.Fatal(err)
	}
	head := check.Head
	check = api.AuditCheck{}
	admin.call(200, "GET", "/audit/check", "", &check)
	if check.OK || check.Lines != 1 || check.BrokenAt != 2 || check.Head != head || !strings.Contains(check.Reason, "line 2") {
		t.Errorf("a changed line: %+v", check)
	}
}

// TestListEntities: entities are listed with what issues within reach say of them, and of
// nothing beyond.
func TestListEntities(t *testing.T) {
	h := newConsoleHouse(t)
	whole := h.badgeOf("whole", yagura.Binding{Role: yagura.RoleViewer})
	part := h.badgeOf("part", yagura.Binding{Role: yagura.RoleViewer, Scope: yagura.Scope{Tenants: []string{"home"}}})
	ask := func(c *caller, query string) (out api.List[api.EntityRow]) {
		c.call(200, "GET", "/entities?total=1&"+query, "", &out)
		return out
	}
	address := func(l api.List[api.EntityRow]) *api.EntityRow {
		for i := range l.Items {
			if l.Items[i].ID == "198.51.100.7" {
				return &l.Items[i]
			}
		}
		t.Fatalf("the address is missing: %+v", l)
		return nil
	}
	all, own := ask(whole, ""), ask(part, "")
	if all.Total == nil || all.Total.N != 5 || !all.Total.Exact || all.Cut || len(all.Items) != 5 || len(own.Items) != 3 || own.Total.N != 3 {
		t.Errorf("%+v\n%+v", all, own)
	}
	if a := address(all); a.Issues != 2 || len(a.Accounts) != 2 || a.Worst != h.mine.Severity || a.Type != yagura.EntityIP || a.LastSeen.IsZero() {
		t.Errorf("%+v", a)
	}
	if a := address(own); a.Issues != 1 || len(a.Accounts) != 1 || a.Accounts[0] != ourAccount {
		t.Errorf("%+v", a)
	}
	if l := ask(part, "q=entity:foreign-bob"); len(l.Items) != 0 {
		t.Errorf("beyond the scope: %+v", l)
	}
	if l := ask(whole, "q=type:user+foreign"); len(l.Items) != 1 || l.Items[0].ID != "foreign-bob" {
		t.Errorf("%+v", l)
	}
	first := ask(whole, "sort=-issues&limit=1")
	if len(first.Items) != 1 || first.Items[0].ID != "198.51.100.7" || first.Next == "" {
		t.Errorf("%+v", first)
	}
}
