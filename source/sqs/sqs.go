package sqs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/s3"
)

// Options configure a receiver.
type Options struct {
	// Name is the source's name in the configuration.
	Name string
	// Queue is the queue's URL.
	Queue string
	// AWS is where the queue is and as whom it is read: Region ("" reads it from the URL),
	// Endpoint (of another service than AWS's), credentials. Since and Ahead have no meaning.
	AWS s3.Options
	// Role is taken on for the queue, where its ARN is set.
	Role        s3.Role
	STSEndpoint string
	// Store opens the objects that messages name.
	Store *s3.Store
	// Include and Exclude are globs of keys, see [source.Keys].
	Include, Exclude []string
	// AnyJSON takes every JSON body that is no notification for a record.
	AnyJSON bool
	// Textual says whether a body that is no JSON is lines of a log that is known; nil takes no text.
	Textual func(body []byte) bool
	// Lease is how long a message stays out without Extend (0: 5 minutes, at most 12 hours).
	Lease time.Duration
	// Wait is how long the queue is asked to wait for messages (0: 20 s, the most there is).
	Wait time.Duration
	// Pollers is how many batches of ten one Receive brings at most, asked for at the same time
	// once the first came full (0: 4).
	Pollers int
	// Now is the clock (nil: the machine's) and Log is told what is wrong with the queue's
	// set-up (nil: nobody).
	Now func() time.Time
	Log *slog.Logger
}

// Limits of the service.
const (
	batchSize  = 10
	maxWait    = 20 * time.Second
	maxOut     = 12 * time.Hour
	maxBody    = 1 << 20
	outMargin  = 30 * time.Second // before maxOut, for the clocks' difference
	policyLife = 10 * time.Minute
)

// Receiver receives from one queue.
type Receiver struct {
	options Options
	client  *sqs.Client
	queue   string // its name, from the URL
	keys    *source.Keys
	deletes *batcher
	changes *batcher
	stats   stats

	life context.Context // ends with Close
	stop context.CancelFunc

	mu     sync.Mutex
	out    map[string]*item // by message id
	policy policy
	warned bool // of a queue without a dead-letter queue
	silent bool // of one that may not be asked
}

var _ source.Receiver = (*Receiver)(nil)

// item is a message that is out.
type item struct {
	receipt  string
	came     time.Time // when this receipt was given
	until    time.Time // when the lease ends
	attempts int
	over     bool // acknowledged or released: a late Extend must not take it back
}

// New makes the receiver of a queue. Nothing is asked of the network yet.
func New(ctx context.Context, o Options) (*Receiver, error) {
	fail := func(what, hint string) (*Receiver, error) {
		return nil, &source.Error{Name: o.Queue, Err: errors.New(what), Hint: hint}
	}
	u, err := url.Parse(o.Queue)
	switch {
	case o.Name == "":
		return fail("a source without a name", "")
	case err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "":
		return fail("not the URL of a queue", "write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
	case o.Store == nil:
		return fail("no store to open objects", "")
	case o.Lease < 0 || o.Lease > maxOut:
		return fail(fmt.Sprintf("a lease of %s", o.Lease), "SQS keeps a message out for 12 hours at most")
	case o.Wait < 0 || o.Wait > maxWait:
		return fail(fmt.Sprintf("a wait of %s", o.Wait), "SQS waits for 20 seconds at most")
	}
	keys, err := source.NewKeys(o.Include, o.Exclude)
	if err != nil {
		return fail(err.Error(), "")
	}
	if o.Lease == 0 {
		o.Lease = 5 * time.Minute
	}
	if o.Wait == 0 {
		o.Wait = maxWait
	}
	if o.Pollers <= 0 {
		o.Pollers = 4
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.AWS.Region == "" {
		o.AWS.Region = regionOf(u.Host)
	}
	if o.AWS.Endpoint == "" && o.AWS.Region == "" {
		return fail("the URL names no region", "set the region, and the endpoint where it is not AWS's")
	}
	cfg, err := s3.Config(ctx, o.AWS)
	if err != nil {
		return nil, explain(o.Queue, "", err)
	}
	if o.Role.ARN != "" {
		cfg = s3.Assume(cfg, o.Role, o.STSEndpoint)
	}
	r := &Receiver{options: o, queue: path.Base(u.Path), keys: keys, out: map[string]*item{}}
	r.client = sqs.NewFromConfig(cfg)
	r.life, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.deletes = &batcher{send: r.deleteBatch}
	r.changes = &batcher{send: r.changeBatch}
	return r, nil
}

var sqsHost = regexp.MustCompile(`^(?:sqs[.-]([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)|([a-z0-9-]+)\.queue\.amazonaws\.com(?:\.cn)?|vpce-[a-z0-9-]+\.sqs\.([a-z0-9-]+)\.vpce\.amazonaws\.com(?:\.cn)?)$`)

// regionOf reads the region from the host of a queue's URL.
func regionOf(host string) string {
	m := sqsHost.FindStringSubmatch(host)
	if m == nil {
		return ""
	}
	return m[1] + m[2] + m[3]
}

// Name is the name of the source.
func (r *Receiver) Name() string { return r.options.Name }

// Stats are counts since the start.
type Stats struct {
	Requests int64 // to SQS, which is what it costs
	Messages int64 // taken from the queue, repeats among them
	Objects  int64 // handed out, repeats among them
	Tests    int64 // test messages
	Ignored  int64 // events of S3 that are no new object
	Skipped  int64 // objects that the globs leave out, and digests
	Refused  int64 // poisonous messages
	Absorbed int64 // messages that came again while they were out
	// Last is when the newest message was sent; zero before the first.
	Last time.Time
}

type stats struct {
	requests, messages, objects, tests, ignored, skipped, refused, absorbed, last atomic.Int64
}

// Stats returns the counts.
func (r *Receiver) Stats() Stats {
	s := Stats{Requests: r.stats.requests.Load(), Messages: r.stats.messages.Load(), Objects: r.stats.objects.Load(),
		Tests: r.stats.tests.Load(), Ignored: r.stats.ignored.Load(), Skipped: r.stats.skipped.Load(),
		Refused: r.stats.refused.Load(), Absorbed: r.stats.absorbed.Load()}
	if last := r.stats.last.Load(); last > 0 {
		s.Last = time.UnixMilli(last).UTC()
	}
	return s
}

// Close ends the receiver.
func (r *Receiver) Close() error {
	r.stop()
	r.deletes.wait()
	r.changes.wait()
	return nil
}

var errClosed = errors.New("the receiver is closed")

// bounded gives a context that ends with the receiver, too.
func (r *Receiver) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(r.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// body is the object of a message that is itself a record.
func (r *Receiver) body(id string, text []byte, sent time.Time) source.Object {
	return source.Object{Source: "sqs", Name: "sqs://" + r.queue + "/" + id, Size: int64(len(text)), Modified: sent,
		Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(text))), nil
		}}
}
