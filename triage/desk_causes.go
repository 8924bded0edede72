package triage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura"
)

// counters asks when the causes of findings were undone last, as far as that may matter:
// where a cause is new, or has other names, and of counter-events, which are noted then.
// The keys are held from here on, in one order and before any issue: who files a cause on
// another machine at this moment waits, and learns what is written here.
func counters(ctx context.Context, b Book, list []judged, issues map[string]*yagura.Issue) (map[string]time.Time, error) {
	var keys []string
	for i := range list {
		x := &list[i]
		switch {
		case x.idle() || x.c.Finding.Time.IsZero():
		case x.counter:
			keys = append(keys, x.key)
		case x.c.Finding.Kind == yagura.Posture || x.c.Alert:
			keys = append(keys, x.also...)
			if issues[x.key] == nil {
				keys = append(keys, x.key)
			}
		}
	}
	noted := map[string]time.Time{}
	for _, key := range unique(keys) {
		when, err := b.LastCounter(ctx, key)
		if err != nil {
			return nil, err
		}
		noted[key] = when
	}
	return noted, nil
}

// judge asks the policy about every case and finds its cause key.
func (d *Desk) judge(ctx context.Context, b Book, cases []Found, now time.Time) ([]judged, error) {
	list := make([]judged, len(cases))
	keys := make([]string, len(cases))
	var also []string
	for i := range cases {
		x := &list[i]
		x.c = &cases[i]
		x.account = d.Account(x.c.Finding.Event.Account)
		all := CauseKeys(d.Tenant, &x.c.Finding)
		keys[i], x.also = all[0], all[1:]
		also = append(also, x.also...)
	}
	known, err := b.IssuesByCause(ctx, unique(append(also, keys...)), yagura.LockNone)
	if err != nil {
		return nil, err
	}
	if err := d.aliases(ctx, b, cases, keys, known); err != nil {
		return nil, err
	}
	names := map[string]string{} // of causes of this transaction, by their other names
	for i := range list {
		x := &list[i]
		if is := known[keys[i]]; is != nil {
			keys[i] = is.CauseKey
			known[keys[i]] = is
		}
		x.also = slices.DeleteFunc(x.also, func(key string) bool {
			is, by := known[key], names[key]
			return is != nil && is.CauseKey != keys[i] || by != "" && by != keys[i] // it was another's name before
		})
		for _, key := range x.also {
			names[key] = keys[i]
		}
	}
	for i := range keys {
		if key := names[keys[i]]; key != "" {
			keys[i] = key
		}
	}
	policy := d.Policy()
	for i := range list {
		x := &list[i]
		f := &x.c.Finding
		x.key = keys[i]
		x.counter = x.c.Resolved || d.Counter != nil && d.Counter(f.Rule.ID)
		x.j = policy.Judge(Input{Finding: f, Event: x.c.Event, Account: x.account, Issue: known[keys[i]], Now: now})
		if x.j.Stopped != "" && d.Stopped != nil {
			d.Stopped("policy", x.j.Stopped)
		}
		if x.j.Severity == 0 {
			return nil, fmt.Errorf("triage: finding %s of rule %q: the policy gave no severity", f.ID, f.Rule.ID)
		}
		if d.Routes != nil {
			x.j.Routes = d.Routes(x.j.Routes)
		}
		if x.c.Quiet {
			x.j.Routes = nil
		}
		if x.c.Avoid != "" {
			x.j.Routes = slices.DeleteFunc(x.j.Routes, func(r string) bool { return r == x.c.Avoid })
		}
		if x.j.Fold != "" {
			x.key, x.also = CauseKey(d.Tenant, f, x.j.Fold), nil
		}
		x.loose = f.Mode == "count" && !x.counter
	}
	return list, nil
}

// aliases finds the issues that the former templates of changed rules made. Such an issue
// gets the key of now as an alias: a changed template opens no second issue.
func (d *Desk) aliases(ctx context.Context, b Book, cases []Found, keys []string, known map[string]*yagura.Issue) error {
	former := map[int][]string{}
	var all []string
	for i := range cases {
		f := &cases[i].Finding
		if len(f.FormerKeys) == 0 || known[keys[i]] != nil {
			continue
		}
		for _, k := range f.FormerKeys {
			old := *f
			old.CauseKey = k
			former[i] = append(former[i], CauseKey(d.Tenant, &old, ""))
		}
		all = append(all, former[i]...)
	}
	if all == nil {
		return nil
	}
	was, err := b.IssuesByCause(ctx, unique(all), yagura.LockNone)
	if err != nil {
		return err
	}
	for i := range cases {
		if known[keys[i]] != nil {
			continue
		}
		id, alias, err := FindIssue(keys[i], former[i], func(key string) (string, error) {
			if is := was[key]; is != nil {
				return is.ID, nil
			}
			return "", nil
		})
		if err != nil || id == "" || alias == nil {
			continue
		}
		if err := b.PutAlias(ctx, alias.Key, alias.IssueID); err != nil {
			return err
		}
		for _, k := range former[i] {
			if is := was[k]; is != nil && is.ID == id {
				known[keys[i]] = is
			}
		}
	}
	return nil
}

func unique(keys []string) []string {
	out := slices.Clone(keys)
	slices.Sort(out)
	return slices.Compact(out)
}

// causes lists the cause keys of findings, each once, in order.
func causes(list []judged) []string {
	var keys []string
	for i := range list {
		if !list[i].loose {
			keys = append(keys, list[i].key)
		}
	}
	return unique(keys)
}
