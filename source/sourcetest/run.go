package sourcetest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// Harness is one receiver under test and the world that it stands in.
type Harness struct {
	// Clock is what the receiver and the services that it speaks to take for the time.
	Clock *Clock
	// Open makes the receiver; again after a restart, over what the first left behind. Its
	// name is always the same.
	Open func(t *testing.T) source.Receiver
	// Put puts one message with one object in, whose bytes are body. name is unique and made
	// of small letters, digits and "-".
	Put func(t *testing.T, name, body string)
	// Poison puts something in that should name objects and does not; nil where the
	// receiver cannot get such a thing.
	Poison func(t *testing.T, name string)
	// PoisonHidden says that poison is not handed out as Refused, because the source's own
	// dead-letter queue takes it.
	PoisonHidden bool
	// Uncounted says that Lag cannot know how many messages wait before they are handed out.
	Uncounted bool
	// Repeats says that what was acknowledged may come again after a restart, with the same
	// identity: the record of deliveries knows it.
	Repeats bool
}

// patience bounds a wait for what must come.
const patience = 30 * time.Second

// Run holds the receiver of a harness to the contract. each makes a fresh world.
func Run(t *testing.T, each func(t *testing.T) Harness) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, w *world)
	}{
		{"all arrive once", arrive},
		{"an acknowledged one never comes again", acknowledged},
		{"what is not acknowledged comes again after a restart", restart},
		{"what is not acknowledged comes again after a crash", crash},
		{"nothing comes twice while it is out", once},
		{"Extend keeps a message out", extend},
		{"a lease that ends brings the message again", leaseEnds},
		{"Release brings it again at once", releaseNow},
		{"Release brings it again no sooner than told", releaseLater},
		{"one that is released for ever holds up nobody", releasedForEver},
		{"poison blocks nobody", poison},
		{"ctx ends a wait", cancels},
		{"nothing is taken that is not asked for", backPressure},
		{"many goroutines", many},
		{"Lag tells the truth", lag},
		{"an object opens again", reopen},
		{"Close ends it", closes},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := each(t)
			w := &world{Harness: h, bodies: map[string]string{}}
			w.open(t)
			t.Cleanup(func() { _ = w.r.Close() })
			c.test(t, w)
		})
	}
}

// world is a harness with the receiver that is open now and what was put in.
type world struct {
	Harness
	r      source.Receiver
	bodies map[string]string // by name
}

func (w *world) open(t *testing.T) {
	t.Helper()
	w.r = w.Open(t)
	if w.r.Name() == "" {
		t.Fatal("the receiver has no name")
	}
}

func (w *world) put(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		w.bodies[n] = `{"name":"` + n + `","text":"` + strings.Repeat("x", len(n)) + `"}` + "\n"
		w.Put(t, n, w.bodies[n])
	}
}

func numbered(prefix string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, prefix+"-"+string(rune('a'+i/26))+string(rune('a'+i%26)))
	}
	return out
}

// arrival is a message with what the test knows of it.
type arrival struct {
	*source.Message
	name     string // as it was put in
	identity string
}

// read tells which of the things that were put in a message is, by its bytes.
func (w *world) read(t *testing.T, m *source.Message) arrival {
	t.Helper()
	switch {
	case m.ID == "":
		t.Fatal("a message without an ID")
	case m.Received.IsZero():
		t.Errorf("%s: Received is not set", m.ID)
	case m.Attempts < 1:
		t.Errorf("%s: Attempts is %d", m.ID, m.Attempts)
	case m.Lease < 0:
		t.Errorf("%s: Lease is %s", m.ID, m.Lease)
	}
	if m.Refused != nil {
		return arrival{Message: m}
	}
	if len(m.Objects) != 1 {
		t.Fatalf("%s: %d objects", m.ID, len(m.Objects))
	}
	o := &m.Objects[0]
	if o.Source == "" || o.Name == "" {
		t.Errorf("%s: an object without source or name: %+v", m.ID, o)
	}
	text := contents(t, o)
	for name, body := range w.bodies {
		if body == text {
			return arrival{m, name, o.Identity()}
		}
	}
	t.Fatalf("%s: %s holds %q, which nobody put in", m.ID, o.Name, text)
	return arrival{}
}

func contents(t *testing.T, o *source.Object) string {
	t.Helper()
	r, err := o.Open(t.Context())
	if err != nil {
		t.Fatalf("open %s: %v", o.Name, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", o.Name, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close %s: %v", o.Name, err)
	}
	return string(text)
}

// some waits for the next messages.
func (w *world) some(t *testing.T) []arrival {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ms, err := w.r.Receive(ctx)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	if len(ms) == 0 {
		t.Fatal("Receive returned nothing and no error")
	}
	var out []arrival
	for _, m := range ms {
		out = append(out, w.read(t, m))
	}
	return out
}

// until receives until all the names have come, and returns everything that came.
func (w *world) until(t *testing.T, names ...string) map[string]arrival {
	t.Helper()
	got := map[string]arrival{}
	for slices.ContainsFunc(names, func(n string) bool { _, ok := got[n]; return !ok }) {
		for _, a := range w.some(t) {
			if _, twice := got[a.name]; twice {
				t.Fatalf("%q came twice while it was out", a.name)
			}
			got[a.name] = a
		}
	}
	return got
}

// silent shows that none of the names comes now: what is put in behind them comes first.
// It acknowledges what comes.
func (w *world) silent(t *testing.T, behind string, names ...string) {
	t.Helper()
	w.put(t, behind)
	for name, a := range w.until(t, behind) {
		if slices.Contains(names, name) {
			t.Errorf("%q came, and must not", name)
		}
		w.ack(t, a)
	}
}

func (w *world) ack(t *testing.T, as ...arrival) {
	t.Helper()
	for _, a := range as {
		if err := w.r.Ack(t.Context(), a.Message); err != nil {
			t.Fatalf("Ack %s: %v", a.ID, err)
		}
	}
}

func (w *world) ackAll(t *testing.T, as map[string]arrival) {
	t.Helper()
	for _, a := range as {
		w.ack(t, a)
	}
}

// same reports whether a message that came again is what it was.
func same(t *testing.T, before, after arrival) {
	t.Helper()
	if before.ID != after.ID {
		t.Errorf("%q came as %q and again as %q", before.name, before.ID, after.ID)
	}
	if before.identity != after.identity {
		t.Errorf("%q holds %q and then %q", before.name, before.identity, after.identity)
	}
}

var errAgain = errors.New("not now")
