package app

import (
	"cmp"
	"context"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/filter"
	"github.com/yagura-sec/yagura/store"
)

// mostHits is how many things of a kind the palette shows.
const mostHits = 8

// ulidBegins is how the id of an issue may begin.
var ulidBegins = regexp.MustCompile(`^(?i)[0-7][0-9A-HJKMNP-TV-Z]{3,25}$`)

// Search finds issues, entities, views and rules by words or a pasted value.
func (c *console) Search(ctx context.Context, reach api.Reach, owner, text string, japanese bool) (out []api.Hit, err error) {
	scopes, all := c.within(reach)
	ask := func(l *filter.List, q string) *filter.Query {
		parsed, err := filter.Parse(l, q)
		if err != nil {
			return nil
		}
		return parsed.At(c.now(), time.UTC)
	}
	quoted := strconv.Quote(text)
	var byID *filter.Query
	if ulidBegins.MatchString(text) { // or else all ids would be looked through in vain
		byID = ask(filter.Issues, "id:"+strings.ToUpper(text)+"*")
	}
	byText := ask(filter.Issues, quoted)
	err = c.view(ctx, func(ctx context.Context, tx *store.Tx) error {
		var issues []yagura.Issue
		for _, q := range []*filter.Query{byID, byText} {
			if q == nil || len(issues) > 0 {
				continue
			}
			var err error
			if issues, _, err = tx.FindIssues(ctx, scopes, all, q, "", "", mostHits); err != nil {
				return err
			}
		}
		// A whole id is found by the findings that name it; the newest tell enough here. A piece
		// of one is looked for in what issues name: in all findings that would take its time.
		var named []yagura.Entity
		if q := ask(filter.Findings, "entity:"+quoted); q != nil {
			list, _, err := tx.FindFindings(ctx, scopes, all, q, "", "", 50)
			if err != nil {
				return err
			}
			for i := range list {
				named = append(named, list[i].Finding.Entities...)
			}
		}
		if q := ask(filter.Entities, quoted); q != nil && len(named) == 0 {
			list, _, _, _, err := tx.FindEntities(ctx, scopes, all, q, "", "", mostHits)
			if err != nil {
				return err
			}
			for i := range list {
				named = append(named, list[i].Entity)
			}
		}
		out = append(out, entityHits(named, text)...)
		for i := range issues {
			is := &issues[i]
			title := is.Title
			if japanese {
				title = cmp.Or(is.TitleJA, is.Title)
			}
			out = append(out, api.Hit{Kind: "issue", ID: is.ID, Title: title, Sub: strings.TrimSpace(is.Severity.String() + " " + string(is.Status) + " " + accountName(is)), HRef: "/issues/" + is.ID})
		}
		views, err := tx.Views(ctx, owner, "", 1000)
		n := 0
		for _, v := range views {
			if n < mostHits && strings.Contains(filter.Fold(v.Name), filter.Fold(text)) {
				n++
				out = append(out, api.Hit{Kind: "view", ID: v.ID, Title: v.Name, Sub: v.Query, HRef: "/" + v.List + "?q=" + url.QueryEscape(v.Query)})
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return append(out, c.ruleHits(text, japanese)...), nil
}

func accountName(is *yagura.Issue) string { return cmp.Or(is.AccountInfo.Name, is.Account) }

// entityHits are the entities whose id holds a text.
func entityHits(list []yagura.Entity, text string) (out []api.Hit) {
	want := filter.Fold(text)
	seen := map[yagura.Entity]bool{}
	for _, e := range list {
		if seen[e] || !strings.Contains(filter.Fold(e.ID), want) {
			continue
		}
		seen[e] = true
		out = append(out, api.Hit{Kind: "entity", ID: e.Type + "=" + e.ID, Title: e.ID, Sub: e.Type, HRef: "/entities/" + e.Type + "/" + url.PathEscape(e.ID)})
	}
	// What is exactly what was pasted comes first.
	slices.SortStableFunc(out, func(a, b api.Hit) int { return len(a.Title) - len(b.Title) })
	return out[:min(len(out), mostHits)]
}

// ruleHits are the loaded rules whose title or id holds a text.
func (c *console) ruleHits(text string, japanese bool) (out []api.Hit) {
	if c.serve == nil {
		return nil
	}
	want := filter.Fold(text)
	for _, r := range c.serve.rules.Load().rules.Rules {
		if !strings.Contains(filter.Fold(r.Title+"\n"+r.Japanese.Title+"\n"+r.ID), want) {
			continue
		}
		title := r.Title
		if japanese {
			title = cmp.Or(r.Japanese.Title, r.Title)
		}
		out = append(out, api.Hit{Kind: "rule", ID: r.ID, Title: title, Sub: string(r.Engine), HRef: "/rules/" + url.PathEscape(r.ID)})
		if len(out) == mostHits {
			break
		}
	}
	return out
}
