package kql_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/query/kql"
)

// TestNeededRows: a plan says of a table what holds for every row that it needs, and says
// nothing where another part of it needs others.
func TestNeededRows(t *testing.T) {
	for _, c := range []struct {
		q     string
		where string // "": not looked at; "-": nothing
		holds string
	}{
		{`T | where Name == "abc" and Count > 5`, `[("Name" = 'abc') ("Count" > CAST(5 AS BIGINT))]`, `[Name:abc]`},
		{`T | where Name has "abc" or tostring(Data.x) =~ "D'ef"`, ``, `[Name:abc Data:D'ef]`},
		{`T | extend p = parse_json(Name) | where tostring(p.a.b) in ("x1", "y2") | summarize count() by Ok`, ``, `[Name:x1 Name:y2]`},
		{`let V = T | extend N = Name; V | where N contains "abc" | take 5`, ``, `[Name:abc]`},
		{`T | where Data has_all ("ab", "abcd", "c")`, ``, `[Data:abcd]`},
		{`T | where Data has_any ("ab", "cd")`, ``, `[Data:ab Data:cd]`},
		// Nothing is known, or too much would be said.
		{`T | where Name != "abc" or Count > 5`, ``, ``},
		{`T | where Name !has "abc"`, ``, ``},
		{`T | where not(Name has "abc")`, ``, ``},
		{`T | where Name == "abc" or Count > 5`, ``, ``},
		{`T | where Name has "abc" or Data has Name`, ``, ``},
		{`T | where Name == ""`, ``, ``},
		{`T | where strcat(Name, "b") has "abc"`, ``, ``},
		{`T | where iff(Ok, Name, "abc") == "abc"`, ``, ``},
		{`T | where tostring(Count) == "123"`, ``, ``},
		{`T | where Name in (U | project Name)`, ``, ``},
		{`T | where Name in ("abc", tostring(Data.x))`, ``, ``},
		{`T | take 5 | where Name == "abc"`, `-`, ``},
		{`T | summarize Name = take_any(Name) by Ok | where Name == "abc"`, `-`, ``},
		{`T | serialize n = row_number() | where Name == "abc"`, `-`, ``},
		{`T | sort by Count asc | extend p = prev(Name) | where Name == "abc"`, `-`, ``},
		{`T | mv-expand Data | where Data == "abc"`, `-`, ``},
		{`T | where Name == "abc" | union (T | where Name == "def")`, `-`, ``},
		{`let V = T; V | where Name == "abc" | join (V | where Ok) on Count`, `-`, ``},
		{`let V = materialize(T); V | where Name == "abc"`, `-`, ``},
		{`T | where strcat(Name, new_guid()) startswith "a"`, `-`, ``},
		{`T | where Count > rand(10)`, `-`, ``},
		{`T | where rand() < 0.5 and Name startswith "abc"`, ``, `[Name:abc]`},
	} {
		p, err := kql.Compile(c.q, smallSchema, kql.Options{Now: time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Errorf("%s: %v", c.q, err)
			continue
		}
		for _, u := range p.Tables {
			if u.Table != "T" {
				continue
			}
			var where []string
			for _, w := range u.Where {
				where = append(where, w.SQL)
			}
			holds := ""
			for _, h := range u.Holds {
				var list []string
				for _, x := range h.Any {
					list = append(list, x.Column+":"+x.Text)
				}
				holds += fmt.Sprint(list)
			}
			if c.where == "-" && where != nil || c.where != "" && c.where != "-" && fmt.Sprint(where) != c.where || holds != c.holds {
				t.Errorf("%s: where %s, holds %s", c.q, where, holds)
			}
		}
	}
}
