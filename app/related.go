package app

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/store"
)

// Related are the issues that help with another.
type Related struct {
	SameActor []yagura.Issue // of the same actor and account, in the order of time
	Similar   []SimilarIssue // the most alike first
}

// SimilarIssue is an issue that is like another, and why.
type SimilarIssue struct {
	Issue yagura.Issue
	Score int
	Why   string
	WhyJA string // the same in Japanese
}

// The bounds of what is looked at and shown.
const (
	lookedAt    = 500
	shownLike   = 10
	shownActors = 50
)

// Related finds what happened around an issue, and how issues like it ended.
func (b *Books) Related(ctx context.Context, is *yagura.Issue) (out *Related, err error) {
	err = b.DB.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		out, err = relatedTo(ctx, tx, is, func(*yagura.Issue) bool { return true })
		return err
	})
	return out, err
}

// relatedTo finds them among the issues that may be shown.
func relatedTo(ctx context.Context, tx *store.Tx, is *yagura.Issue, may func(*yagura.Issue) bool) (*Related, error) {
	out := &Related{}
	if is.Actor.ID != "" {
		list, _, err := latest(ctx, tx, issuesThat(being("account", is.Account), holding(is.Actor.ID)), "", lookedAt)
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			if x.ID != is.ID && x.Account == is.Account && len(out.SameActor) < shownActors && may(&x) {
				out.SameActor = append(out.SameActor, x)
			}
		}
		slices.SortFunc(out.SameActor, func(x, y yagura.Issue) int { return x.FirstSeen.Compare(y.FirstSeen) })
	}
	list, err := tx.SimilarIssues(ctx, is.Rule.ID, lookedAt)
	if err != nil {
		return nil, err
	}
	for _, x := range list {
		if x.ID == is.ID || !may(&x) {
			continue
		}
		if s := alike(is, &x); s.Score > 0 {
			out.Similar = append(out.Similar, s)
		}
	}
	sort.SliceStable(out.Similar, func(i, j int) bool { return out.Similar[i].Score > out.Similar[j].Score })
	out.Similar = out.Similar[:min(len(out.Similar), shownLike)]
	return out, nil
}

// alike says how much two issues of one rule have in common.
func alike(a, b *yagura.Issue) SimilarIssue {
	s := SimilarIssue{Issue: *b, Score: 1, Why: "same rule", WhyJA: "同じルール"}
	if a.Account == b.Account {
		s.Score += 2
		s.Why += ", same account"
		s.WhyJA += "、同じアカウント"
	}
	if a.Actor.ID != "" && a.Actor.ID == b.Actor.ID {
		s.Score += 3
		s.Why += ", same actor"
		s.WhyJA += "、同じ実行者"
	}
	n := 0
	for _, e := range a.Entities {
		if e.Type != yagura.EntityAccount && slices.Contains(b.Entities, e) {
			n++
		}
	}
	if n > 0 {
		s.Score += min(n, 4)
		s.Why += fmt.Sprintf(", %d in common", n)
		s.WhyJA += fmt.Sprintf("、共通の関係者・リソース %d 件", n)
	}
	if b.Conclusion != yagura.ConcludedNothing {
		s.Score++
	}
	return s
}
