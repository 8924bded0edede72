package app

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/push"
)

// renewSecrets takes over secrets that were changed since they were resolved last. fresh is
// the configuration with its secrets resolved again; of it nothing else is taken. A sink is
// made anew and put in the place of the one before; where a secret cannot be taken over while
// the service runs, the log says so.
func (s *Serve) renewSecrets(ctx context.Context, fresh *config.Config) error {
	s.renewing.Lock()
	defer s.renewing.Unlock()
	var changed []string
	next := overlay(reflect.ValueOf(*s.secrets.Load()), reflect.ValueOf(*fresh), "", &changed).Interface().(config.Config)
	made := map[int]notify.Sink{}
	for i := range next.Sinks {
		prefix := fmt.Sprintf("sinks[%d].", i)
		for _, path := range changed {
			if !strings.HasPrefix(path, prefix) || made[i] != nil {
				continue
			}
			sink, _, err := s.openSink(ctx, &next.Sinks[i])
			if err != nil {
				return fmt.Errorf("sinks[%d] %s: %w", i, next.Sinks[i].Name, err)
			}
			made[i] = sink
		}
	}
	for i := range next.Sources {
		e, ok := s.receiver(next.Sources[i].Name).(*push.Endpoint)
		if !ok || !slices.ContainsFunc(changed, func(path string) bool { return i == pushed(path) }) {
			continue
		}
		if err := e.Renew(credentials(&next.Sources[i])); err != nil {
			return fmt.Errorf("sources[%d] %s: %w", i, next.Sources[i].Name, err)
		}
		s.log.Info("a source asks for its new secrets", "source", e.Name())
	}
	for i, sink := range made {
		s.renewable[i].renew(sink)
		s.log.Info("a sink has its new secrets", "sink", sink.Name())
	}
	s.secrets.Store(&next)
	for _, path := range changed {
		if !strings.HasPrefix(path, "sinks[") && pushed(path) < 0 && path != "server.metrics_token" && path != "watchdog.url" {
			s.log.Warn("a secret was changed and cannot be taken over while the service runs: it is at the next start", "secret", path)
		}
	}
	return nil
}

// pushed is the source that a key of what its senders have to show is of, -1 for other keys.
func pushed(path string) int {
	rest, ok := strings.CutPrefix(path, "sources[")
	number, key, found := strings.Cut(rest, "].")
	i, err := strconv.Atoi(number)
	if !ok || !found || err != nil {
		return -1
	}
	switch key {
	case "push.tokens", "push.secrets", "sns.secrets", "eventbridge.keys", "falco.tokens":
		return i
	}
	return -1
}

// receiver finds the receiver of a source.
func (s *Serve) receiver(name string) source.Receiver {
	for _, r := range s.receivers {
		if r.Name() == name {
			return r
		}
	}
	return nil
}

// overlay returns v with the secrets of fresh, and notes the keys of those that differ. Sinks
// and sources are the same by their names. Whatever else differs stays as it is.
func overlay(v, fresh reflect.Value, path string, changed *[]string) reflect.Value {
	t := v.Type()
	note := func() reflect.Value {
		if reflect.DeepEqual(v.Interface(), fresh.Interface()) {
			return v
		}
		*changed = append(*changed, strings.TrimPrefix(path, "."))
		return fresh
	}
	secret := reflect.TypeFor[config.Secret]()
	switch {
	case t == secret, (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && t.Elem() == secret:
		return note()
	case t.Kind() == reflect.Struct:
		n := reflect.New(t).Elem()
		n.Set(v)
		for i := range t.NumField() {
			if name := t.Field(i).Tag.Get("yaml"); name != "" {
				n.Field(i).Set(overlay(v.Field(i), fresh.Field(i), path+"."+name, changed))
			}
		}
		return n
	case t.Kind() == reflect.Pointer && !v.IsNil() && !fresh.IsNil():
		n := reflect.New(t.Elem())
		n.Elem().Set(overlay(v.Elem(), fresh.Elem(), path, changed))
		return n
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && v.Len() > 0:
		n := reflect.MakeSlice(t, v.Len(), v.Len())
		for i := range v.Len() {
			n.Index(i).Set(v.Index(i))
			if j := twin(v.Index(i), i, fresh); j >= 0 {
				n.Index(i).Set(overlay(v.Index(i), fresh.Index(j), fmt.Sprintf("%s[%d]", path, i), changed))
			}
		}
		return n
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct && v.Len() > 0:
		n := reflect.MakeMap(t)
		for _, k := range v.MapKeys() {
			n.SetMapIndex(k, v.MapIndex(k))
			if other := fresh.MapIndex(k); other.IsValid() {
				n.SetMapIndex(k, overlay(v.MapIndex(k), other, path+"."+k.String(), changed))
			}
		}
		return n
	}
	return v
}

// twin finds an element of one list in another: by its name, or by its place where it has none.
func twin(x reflect.Value, i int, list reflect.Value) int {
	name := x.FieldByName("Name")
	if !name.IsValid() {
		if i < list.Len() {
			return i
		}
		return -1
	}
	for j := range list.Len() {
		if list.Index(j).FieldByName("Name").String() == name.String() {
			return j
		}
	}
	return -1
}

// renewable is a sink that another one of the same name and kind can take the place of. What
// is being delivered ends as it began.
type renewable struct {
	now atomic.Pointer[notify.Sink]

	mu      sync.Mutex
	inbox   notify.Inbox
	handler http.Handler
	again   chan struct{} // closed and replaced when there is another sink
}

// newRenewable returns the sink with the abilities of the one that it begins with.
func newRenewable(sink notify.Sink) (*renewable, notify.Sink) {
	r := &renewable{again: make(chan struct{})}
	r.now.Store(&sink)
	_, reads := sink.(notify.Reader)
	_, listens := sink.(notify.Inbound)
	switch {
	case reads && listens:
		return r, struct {
			*renewable
			renewableReader
			renewableInbound
		}{r, renewableReader{r}, renewableInbound{r}}
	case reads:
		return r, struct {
			*renewable
			renewableReader
		}{r, renewableReader{r}}
	case listens:
		return r, struct {
			*renewable
			renewableInbound
		}{r, renewableInbound{r}}
	}
	return r, r
}

func (r *renewable) sink() notify.Sink { return *r.now.Load() }

// renew puts another sink in the place.
func (r *renewable) renew(sink notify.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.Store(&sink)
	if in, ok := sink.(notify.Inbound); ok && r.handler != nil {
		if h := in.Handler(r.inbox); h != nil {
			r.handler = h
		}
	}
	close(r.again)
	r.again = make(chan struct{})
}

// Name is the sink's name.
func (r *renewable) Name() string { return r.sink().Name() }

// Kind is the sink's kind.
func (r *renewable) Kind() string { return r.sink().Kind() }

// Deliver brings a notice to the sink.
func (r *renewable) Deliver(ctx context.Context, n *yagura.Notice) (yagura.Receipt, error) {
	return r.sink().Deliver(ctx, n)
}

type renewableReader struct{ r *renewable }

// Actual reads the sink back.
func (x renewableReader) Actual(ctx context.Context, since time.Time, refs []string, yield func(notify.Ticket) error) error {
	return x.r.sink().(notify.Reader).Actual(ctx, since, refs, yield)
}

type renewableInbound struct{ r *renewable }

// Handler takes the webhooks of the sink that is there by then.
func (x renewableInbound) Handler(in notify.Inbox) http.Handler {
	r := x.r
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inbox, r.handler = in, r.sink().(notify.Inbound).Handler(in)
	if r.handler == nil {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		h := r.handler
		r.mu.Unlock()
		h.ServeHTTP(w, req)
	})
}

// Listen keeps the connection of the sink that is there; that of one before is ended.
func (x renewableInbound) Listen(ctx context.Context, in notify.Inbox) error {
	for {
		x.r.mu.Lock()
		sink, again := x.r.sink(), x.r.again
		x.r.mu.Unlock()
		within, cancel := context.WithCancel(ctx)
		renewed := make(chan struct{})
		go func() {
			defer close(renewed)
			select {
			case <-again:
				cancel()
			case <-within.Done():
			}
		}()
		err := sink.(notify.Inbound).Listen(within, in)
		cancel()
		<-renewed
		select {
		case <-again:
			if ctx.Err() == nil {
				continue
			}
		default:
		}
		return err
	}
}
