package s3

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/yagura-sec/yagura/source"
)

// pass is one walk over the list.
type pass struct {
	number  int
	begun   time.Time // by this process
	started time.Time // by any
	from    time.Time // first day, zero for all
	bases   []string  // prefixes, in order
	base    int       // that is being listed
	token   string    // to go on by
	after   string    // or the key to go on after
	last    string    // key of this base that was listed last
}

// entry is a stretch of the list: one object, or what was passed over. It is finished when
// its object is.
type entry struct {
	pass   *pass
	base   string
	key    string // the last of the stretch
	object *object
	end    bool // of the pass
}

// state is what the cursor keeps: the place up to which everything is finished.
type state struct {
	V       int       `json:"v"`
	Plan    string    `json:"plan"`
	Started time.Time `json:"started,omitzero"` // of the pass that the place is in
	From    time.Time `json:"from,omitzero"`
	Base    string    `json:"base,omitempty"`
	Key     string    `json:"key,omitempty"`
	// Completed is when the last pass began of which everything is finished.
	Completed time.Time `json:"completed,omitzero"`
	Listed    int64     `json:"listed"`
	Done      int64     `json:"done"`
	Bytes     int64     `json:"bytes"`
}

// load reads the cursor, once.
func (l *Listing) load(ctx context.Context) error {
	if l.options.Cursor == nil {
		return nil
	}
	data, err := l.options.Cursor.Load(ctx)
	if err != nil {
		return &source.Error{Name: l.options.Address, Err: err, Hint: "its cursor cannot be read"}
	}
	var s state
	switch {
	case len(data) == 0:
		return nil
	case json.Unmarshal(data, &s) != nil || s.V != 1:
		return &source.Error{Name: l.options.Address, Err: errors.New("its cursor is of another program or version"), Hint: "remove it to begin anew"}
	case s.Plan != l.plan:
		l.options.Log.WarnContext(ctx, "the source lists something else than before, and begins anew", "source", l.options.Name)
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	l.progress.Listed, l.progress.Done, l.progress.Bytes = s.Listed, s.Done, s.Bytes
	return nil
}

// save keeps the cursor, at most once a second unless it must.
func (l *Listing) save(ctx context.Context, must bool) error {
	if l.options.Cursor == nil {
		return nil
	}
	l.saving.Lock()
	defer l.saving.Unlock()
	l.mu.Lock()
	now := l.options.Now()
	if !l.dirty || !must && now.Sub(l.saved) < time.Second {
		l.mu.Unlock()
		return nil
	}
	s := l.state
	s.V, s.Plan = 1, l.plan
	l.dirty, l.saved = false, now
	l.mu.Unlock()
	data, err := json.Marshal(s)
	if err == nil {
		err = l.options.Cursor.Save(ctx, data)
	}
	if err != nil {
		l.mu.Lock()
		l.dirty, l.saveErr = true, err
		l.mu.Unlock()
	}
	return err
}

// drain moves the cursor over what is finished. It is called with the lock held.
func (l *Listing) drain() {
	for len(l.order) > 0 {
		e := l.order[0]
		if e.object != nil && !e.object.finished {
			return
		}
		l.order = l.order[1:]
		l.dirty = true
		l.state.Started, l.state.From, l.state.Base, l.state.Key = e.pass.started, e.pass.from, e.base, e.key
		if e.end {
			l.state.Completed, l.state.Started, l.state.From, l.state.Base, l.state.Key = e.pass.started, time.Time{}, time.Time{}, "", ""
		}
		l.state.Listed, l.state.Done, l.state.Bytes = l.progress.Listed, l.progress.Done, l.progress.Bytes
	}
}

// push adds a stretch to the list. It is called with the lock held.
func (l *Listing) push(e *entry) {
	if n := len(l.order); n > 0 && e.object == nil && !e.end {
		if tail := l.order[n-1]; tail.object == nil && !tail.end && tail.pass == e.pass {
			tail.base, tail.key = e.base, e.key
			return
		}
	}
	l.order = append(l.order, e)
}

// advance lists one page more, or begins the next pass. One goroutine is in it.
func (l *Listing) advance(ctx context.Context) error {
	if !l.loaded {
		if err := l.load(ctx); err != nil {
			return err
		}
		l.mu.Lock()
		l.loaded = true
		l.mu.Unlock()
	}
	p := l.pass
	if p == nil {
		p = l.begin()
		bases, err := l.bases(ctx)
		if err != nil {
			return err
		}
		p.bases = bases
		l.resume(p)
		l.mu.Lock()
		l.pass, l.passes = p, p.number
		l.progress.Pass, l.progress.Complete = p.number, false
		l.mu.Unlock()
	}
	if p.base == len(p.bases) {
		l.end(ctx, p)
		return nil
	}
	return l.page(ctx, p)
}

// begin makes the next pass: what a cursor left unfinished, or what is new since the last.
func (l *Listing) begin() *pass {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.options.Now()
	p := &pass{number: l.passes + 1, begun: now, started: now, from: l.options.From}
	switch {
	case l.passes == 0 && !l.state.Started.IsZero():
		p.started, p.from = l.state.Started, l.state.From
	case !l.state.Completed.IsZero() && (l.options.Every > 0 || l.passes == 0):
		p.from = day(l.state.Completed.Add(-l.options.Lookback))
		if p.from.Before(l.options.From) {
			p.from = l.options.From
		}
	case l.passes > 0:
		// The first pass is listed, though not finished: new things are looked for all the same.
		p.from = day(l.listed.Add(-l.options.Lookback))
	case l.options.Every > 0 && l.options.From.IsZero():
		p.from = day(p.started.Add(-l.options.Lookback))
	}
	return p
}

// resume goes to the place that the cursor kept.
func (l *Listing) resume(p *pass) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.number > 1 || l.state.Started.IsZero() {
		return
	}
	for p.base < len(p.bases) && p.bases[p.base] < l.state.Base {
		p.base++
	}
	if p.base < len(p.bases) && p.bases[p.base] == l.state.Base {
		p.after, p.last = l.state.Key, l.state.Key
	}
}

func (l *Listing) end(ctx context.Context, p *pass) {
	l.mu.Lock()
	l.push(&entry{pass: p, end: true})
	l.pass = nil
	l.progress.Complete = true
	l.listed = p.started
	if l.options.Every > 0 {
		l.next = p.begun.Add(l.options.Every)
	}
	for identity, seen := range l.known {
		if seen < p.number-1 { // it lies outside the days that are listed again
			delete(l.known, identity)
		}
	}
	l.drain()
	l.mu.Unlock()
	_ = l.save(ctx, true) // it is told by Receive
}

// bases are the prefixes to list: that of the address, or one for each account and region.
func (l *Listing) bases(ctx context.Context) ([]string, error) {
	if !layered(l.prefix, l.options.Service) {
		return []string{l.prefix}, nil
	}
	var out []string
	var walk func(prefix string) error
	walk = func(prefix string) error {
		parts := strings.Split(strings.TrimSuffix(prefix, "/"), "/")
		name := parts[len(parts)-1]
		switch {
		case len(parts) > 1 && parts[len(parts)-2] == l.options.Service:
			out = append(out, prefix)
			return nil
		case account.MatchString(name):
			return walk(prefix + l.options.Service + "/")
		}
		names, err := l.folders(ctx, prefix)
		if err != nil {
			return err
		}
		for _, n := range names {
			var take bool
			switch {
			case name == l.options.Service:
				take = len(l.options.Regions) == 0 || slices.Contains(l.options.Regions, n)
			case account.MatchString(n):
				take = len(l.options.Accounts) == 0 || slices.Contains(l.options.Accounts, n)
			default:
				take = name == "AWSLogs" && strings.HasPrefix(n, "o-")
			}
			if take {
				if err := walk(prefix + n + "/"); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(l.prefix); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, &source.Error{Name: l.options.Address, Err: errors.New("there are no logs of " + l.options.Service + " under this prefix"),
			Hint: "the layout is AWSLogs/[organisation/]account/" + l.options.Service + "/region/year/month/day/"}
	}
	slices.Sort(out)
	return out, nil
}

// folders lists the names of the folders in a folder.
func (l *Listing) folders(ctx context.Context, prefix string) ([]string, error) {
	var out []string
	for token := ""; ; {
		page, err := l.bucket.page(ctx, prefix, token, "", "/")
		if err != nil {
			return nil, l.explain(ctx, err)
		}
		for _, c := range page.CommonPrefixes {
			full, err := keyOf(page, aws.ToString(c.Prefix))
			if name, ok := strings.CutPrefix(full, prefix); err == nil && ok {
				out = append(out, strings.TrimSuffix(name, "/"))
			}
		}
		next := aws.ToString(page.NextContinuationToken)
		if !aws.ToBool(page.IsTruncated) {
			return out, nil
		}
		if next == "" || next == token {
			return nil, l.bucket.stuck(prefix)
		}
		token = next
	}
}

func (l *Listing) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(l.options.Address, err)
}

// page lists a page of the base that the pass is at.
func (l *Listing) page(ctx context.Context, p *pass) error {
	base := p.bases[p.base]
	dated := layered(l.prefix, l.options.Service)
	token, after := p.token, p.after
	if first := base + p.from.Format("2006/01/02") + "/"; token == "" && dated && !p.from.IsZero() && after < first {
		after = first
	}
	out, err := l.bucket.page(ctx, base, token, after, "")
	if err != nil {
		p.token, p.after = "", p.last // a token may be what is wrong
		return l.explain(ctx, err)
	}
	var refs []Ref
	last, over := p.last, false
	for _, c := range out.Contents {
		key, err := keyOf(out, aws.ToString(c.Key))
		if err != nil {
			return &source.Error{Name: l.options.Address, Err: err}
		}
		if key <= last {
			if token == "" && key <= after {
				return l.bucket.stuck(after)
			}
			return &source.Error{Name: l.options.Address, Err: errors.New("the store does not list in the order of keys"), Hint: "a listing that can go on after a stop needs that order"}
		}
		last = key
		if dated && !l.options.To.IsZero() && key >= base+l.options.To.AddDate(0, 0, 1).Format("2006/01/02")+"/" {
			over = true
			break
		}
		refs = append(refs, Ref{Bucket: l.bucket.bucket, Key: key, ETag: aws.ToString(c.ETag), Size: aws.ToInt64(c.Size), Modified: aws.ToTime(c.LastModified)})
	}
	if err := l.take(ctx, p, base, refs, dated); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p.last, l.progress.At = last, last
	next := aws.ToString(out.NextContinuationToken)
	switch jumped := jump(last, p.from); {
	case over || !aws.ToBool(out.IsTruncated):
		p.base, p.token, p.after, p.last = p.base+1, "", "", ""
	case !dated && jumped > last:
		p.token, p.after, p.last = "", jumped, jumped
	case next != "" && next != token:
		p.token, p.after = next, ""
	case last == p.after:
		return l.bucket.stuck(last)
	default:
		p.token, p.after = "", last
	}
	return nil
}

// take adds the objects of a page to the list.
func (l *Listing) take(ctx context.Context, p *pass, base string, refs []Ref, dated bool) error {
	objects := make([]source.Object, len(refs))
	skip := make([]bool, len(refs))
	var ask []source.Object
	var asked []int
	delivered := make([]bool, len(refs)) // as Known says
	l.mu.Lock()
	for i, ref := range refs {
		objects[i] = l.options.Store.object(ref, false)
		identity := objects[i].Identity()
		_, known := l.known[identity]
		switch {
		case l.keys.Skip(ref.Key) || strings.HasSuffix(ref.Key, "/") && ref.Size == 0:
			skip[i] = true
		case !dated && (ref.Modified.Before(p.from) || !l.options.To.IsZero() && !ref.Modified.Before(l.options.To.AddDate(0, 0, 1))):
			skip[i] = true
		case known:
			l.known[identity] = p.number
			skip[i] = true
		case l.items[identity] == nil:
			ask, asked = append(ask, objects[i]), append(asked, i)
		}
	}
	l.mu.Unlock()
	if l.options.Known != nil && len(ask) > 0 {
		known, err := l.options.Known(ctx, ask)
		if err != nil {
			return &source.Error{Name: l.options.Address, Err: err, Hint: "what was delivered before cannot be asked for"}
		}
		for j, i := range asked {
			delivered[i] = j < len(known) && known[j]
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range objects {
		identity := o.Identity()
		e := &entry{pass: p, base: base, key: refs[i].Key}
		switch item := l.items[identity]; {
		case skip[i]:
			l.progress.Skipped++
		case delivered[i]:
			l.progress.Skipped++
			l.known[identity] = p.number
		case item != nil:
			e.object = item
		default:
			e.object = &object{Object: o, identity: identity}
			l.items[identity] = e.object
			l.ready = append(l.ready, e.object)
			l.progress.Listed++
		}
		l.push(e)
	}
	l.drain()
	return nil
}
