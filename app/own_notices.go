package app

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yagura-sec/yagura/notify/cloudwatch"
	"github.com/yagura-sec/yagura/notify/github"
	"github.com/yagura-sec/yagura/notify/securityhub"
	"github.com/yagura-sec/yagura/notify/webhook"
	"github.com/yagura-sec/yagura/store"
)

// ownNotices recognises notices that come back through a source. A marker alone proves
// nothing, since anybody can write one to hide behind: the notice that it names must be in
// our store, and be of the issue that stands beside it.
type ownNotices struct {
	ask func(ctx context.Context, notice string) (issue string, ok bool, err error)
	now func() time.Time

	mu    sync.Mutex
	known map[string]ownAnswer // by notice
}

type ownAnswer struct {
	issue string
	ok    bool
	until time.Time // of a no, which a flood of forged markers must not ask for again and again
}

// The bounds of what is remembered.
const (
	maxOwnKnown = 10_000
	ownNoFor    = 10 * time.Second
	ownAskFor   = 5 * time.Second
)

func newOwnNotices(db *store.DB, now func() time.Time) *ownNotices {
	return &ownNotices{now: now, known: map[string]ownAnswer{}, ask: func(ctx context.Context, notice string) (issue string, ok bool, err error) {
		err = db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
			issue, ok, err = tx.NoticeIssue(ctx, notice)
			return err
		})
		return issue, ok, err
	}}
}

// look says whether a record is a notice of ours. Records without the marker cost one search
// for a word at most.
func (o *ownNotices) look(format string, record []byte) bool {
	issue, notice := ownMark(format, record)
	return notice != "" && o.ours(issue, notice)
}

// ownMark reads the issue and the notice out of the places where our sinks write them.
func ownMark(format string, record []byte) (issue, notice string) {
	switch format {
	case "aws.securityhub":
		return ownASFF(record)
	case "ocsf.finding":
		return ownOCSF(record)
	case "falco.alert":
		return ownFalco(record)
	case "github.webhook":
		return ownGitHub(record)
	case "json":
		if id, ok := cloudwatch.Own(record); ok {
			return "", id
		}
		return ownOCSF(record) // of no issue: a base event
	}
	return "", ""
}

func ownASFF(record []byte) (issue, notice string) {
	if !bytes.Contains(record, []byte(securityhub.Marker+"notice")) {
		return "", ""
	}
	var r struct {
		ID          string `json:"Id"`
		ProductArn  string
		GeneratorID string            `json:"GeneratorId"`
		Fields      map[string]string `json:"ProductFields"`
	}
	if json.Unmarshal(record, &r) != nil {
		return "", ""
	}
	issue, own := securityhub.Own(r.ProductArn, r.GeneratorID, r.ID)
	if !own || r.Fields[securityhub.Marker+"issue"] != issue {
		return "", ""
	}
	return issue, r.Fields[securityhub.Marker+"notice"]
}

func ownOCSF(record []byte) (issue, notice string) {
	if !bytes.Contains(record, []byte(`"unmapped"`)) || !bytes.Contains(record, []byte(`"notice"`)) {
		return "", ""
	}
	var r struct {
		Metadata struct {
			UID     string `json:"uid"`
			Product struct {
				Vendor string `json:"vendor_name"`
			} `json:"product"`
		} `json:"metadata"`
		Unmapped struct {
			Notice string `json:"notice"`
			Issue  string `json:"issue"`
		} `json:"unmapped"`
	}
	if json.Unmarshal(record, &r) != nil || !strings.EqualFold(r.Metadata.Product.Vendor, webhook.Marker) || r.Metadata.UID != r.Unmapped.Notice {
		return "", ""
	}
	return r.Unmapped.Issue, r.Unmapped.Notice
}

func ownFalco(record []byte) (issue, notice string) {
	if !bytes.Contains(record, []byte(`"yagura.notice"`)) {
		return "", ""
	}
	var r struct {
		Source string   `json:"source"`
		Tags   []string `json:"tags"`
		Fields struct {
			Notice string `json:"yagura.notice"`
			Issue  string `json:"yagura.issue"`
		} `json:"output_fields"`
	}
	if json.Unmarshal(record, &r) != nil || r.Source != webhook.Marker || !slices.Contains(r.Tags, webhook.Marker) {
		return "", ""
	}
	return r.Fields.Issue, r.Fields.Notice
}

// ownGitHub: what a webhook says of an issue or comment that we wrote. That one of them was
// deleted or moved away is no traffic of ours.
func ownGitHub(record []byte) (issue, notice string) {
	if !bytes.Contains(record, []byte("yagura:")) {
		return "", ""
	}
	var r struct {
		Action  string `json:"action"`
		Comment *struct {
			Body string `json:"body"`
		} `json:"comment"`
		Issue *struct {
			Body string `json:"body"`
		} `json:"issue"`
	}
	if json.Unmarshal(record, &r) != nil || r.Action == "deleted" || r.Action == "transferred" {
		return "", ""
	}
	switch {
	case r.Comment != nil:
		return github.Own(r.Comment.Body)
	case r.Issue != nil:
		return github.Own(r.Issue.Body)
	}
	return "", ""
}

// ours asks the store, and remembers. A store that does not answer does not make a record
// ours: to judge too much is better than to judge too little.
func (o *ownNotices) ours(issue, notice string) bool {
	if len(notice) > 64 {
		return false
	}
	now := o.now()
	o.mu.Lock()
	a, have := o.known[notice]
	o.mu.Unlock()
	if !have || !a.ok && !now.Before(a.until) {
		ctx, cancel := context.WithTimeout(context.Background(), ownAskFor)
		defer cancel()
		var err error
		if a.issue, a.ok, err = o.ask(ctx, notice); err != nil {
			return false
		}
		a.until = now.Add(ownNoFor)
		o.mu.Lock()
		if len(o.known) >= maxOwnKnown {
			clear(o.known)
		}
		o.known[notice] = a
		o.mu.Unlock()
	}
	return a.ok && (issue == "" || issue == a.issue)
}
