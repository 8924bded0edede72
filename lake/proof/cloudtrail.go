package proof

import (
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxFiles  = 50_000_000
	maxLog    = 8 << 30 // of an unpacked log file; CloudTrail's have some 50 MB at most
	keyLeeway = time.Hour
)

var (
	// The chain is account, region, trail and home region, which the names of all its
	// digests begin with.
	digestName = regexp.MustCompile(`^(.*_CloudTrail-Digest_.*)_(\d{8}T\d{6}Z)(_backfill)?\.json(\.gz)?$`)
	logName    = regexp.MustCompile(`^(\d{12})_CloudTrail(?:-[A-Za-z]+)?_([a-z0-9-]+)_(\d{8}T\d{4}Z)_[A-Za-z0-9]+\.json(\.gz)?$`)
	chainName  = regexp.MustCompile(`^(\d{12})_CloudTrail-Digest_([a-z]+(?:-[a-z]+)+-\d+)_`)
)

// CloudTrail says how copies of CloudTrail's logs are verified.
type CloudTrail struct {
	Keys *Keys
	// From and To bound the digests that are looked at; zero is no bound. A digest that
	// reaches into the time counts. With From, a chain may begin there though its first
	// digest names one before it; with To, a chain that ends earlier is a fault.
	From, To time.Time
	// AcceptUnsignedEnd takes the last digest of a chain as it is where its signature, which
	// AWS keeps in the object's metadata, was not copied. All others are signed by what
	// the next digest says of them.
	AcceptUnsignedEnd bool
	Workers           int // 0: 4
	// Progress is called now and then with what was done; nil is nobody.
	Progress func(done Summary)
}

// header is a digest without its log files.
type header struct {
	*Digest
	name string
	next *header // the digest that names this one as the one before it
	bad  string  // it could not be read
	last bool    // no digest can be expected to name it
	meta map[string]string
}

type run struct {
	CloudTrail
	c    Copies
	n    *names
	each func(Result) error
	sum  Summary
	span map[string][]covered // account/region → what its digests cover
	lost map[string][]covered // and what missing digests covered
}

type covered struct{ from, to time.Time }

// Verify looks at every digest and every log file among the copies and calls each with one
// result after the other. The error is of reading the copies or of each; what is wrong
// with them is in the results. It is offline: keys and copies are all it needs.
func (v CloudTrail) Verify(ctx context.Context, c Copies, each func(Result) error) (Summary, error) {
	v.Workers = cmp.Or(v.Workers, 4)
	n, err := listNames(ctx, c)
	if err != nil {
		return Summary{}, err
	}
	r := &run{CloudTrail: v, c: c, n: n, each: each, span: map[string][]covered{}, lost: map[string][]covered{}}
	chains := make([]string, 0, len(n.digests))
	for chain := range n.digests {
		chains = append(chains, chain)
	}
	slices.Sort(chains)
	for _, chain := range chains {
		if err := r.chain(ctx, chain); err != nil {
			return r.sum, err
		}
	}
	if len(chains) == 0 {
		return r.sum, errors.New("there is no digest file in it (hint: digests lie below AWSLogs/<account>/CloudTrail-Digest/, and log file validation must be on)")
	}
	return r.sum, r.unlisted(ctx)
}

func (r *run) say(res Result) error {
	r.sum.count(&res)
	if r.Progress != nil {
		r.Progress(r.sum)
	}
	return r.each(res)
}

// chain verifies the digests of one trail in one account and region.
func (r *run) chain(ctx context.Context, chain string) error {
	var list []*header
	by, bad := map[string]*header{}, map[string]*header{}
	for _, name := range r.n.digests[chain] {
		h, err := r.header(ctx, name)
		if err != nil {
			return err
		}
		if h.bad != "" {
			bad[name] = h
			continue
		}
		if agree(strings.Split(h.Bucket+"/"+packed(h.Key), "/"), name) == 0 {
			if err := r.say(Result{Kind: "digest", Status: Moved, Object: h.Place(), File: name, From: h.Start, To: h.End,
				Detail: "it says that it belongs elsewhere than where it lies"}); err != nil {
				return err
			}
			continue
		}
		if !r.From.IsZero() && !h.End.After(r.From) || !r.To.IsZero() && !h.Start.Before(r.To) {
			continue
		}
		if twin := by[h.Place()]; twin != nil {
			if twin.Hash == h.Hash {
				continue
			}
			// Two copies of one digest that differ: the signature tells which is genuine.
		} else {
			by[h.Place()] = h
		}
		list = append(list, h)
	}
	slices.SortStableFunc(list, func(a, b *header) int { return cmp.Or(a.End.Compare(b.End), cmp.Compare(a.Key, b.Key)) })
	for _, h := range list {
		if prev := by[h.Previous()]; prev != nil && prev != h {
			for _, p := range list {
				if p.Place() == prev.Place() {
					p.next = h
				}
			}
		}
	}
	end := map[bool]*header{} // by backfill
	for _, h := range list {
		if was := end[h.Backfill()]; was != nil && h.Previous() == "" {
			was.last = true
		}
		end[h.Backfill()] = h
	}
	for _, h := range end {
		h.last = true
	}
	var before *header // the regular digest that ended last
	for _, h := range list {
		if err := r.link(h, by, bad, before, chain); err != nil {
			return err
		}
		if err := r.digest(ctx, h); err != nil {
			return err
		}
		if !h.Backfill() {
			before = h
		}
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if err := r.say(Result{Kind: "digest", Status: Unreadable, Object: name, File: name, Detail: bad[name].bad}); err != nil {
			return err
		}
	}
	if before != nil && !r.To.IsZero() && before.End.Before(r.To) {
		return r.say(Result{Kind: "digest", Status: Ends, Object: before.Place(), From: before.End, To: r.To,
			Detail: "the chain ends here; digests up to the time that was asked for are not there"})
	}
	return nil
}

// header reads a digest and forgets the log files.
func (r *run) header(ctx context.Context, name string) (*header, error) {
	d, err := r.read(ctx, name)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return &header{name: name, bad: err.Error()}, nil
	}
	d.Logs = nil
	h := &header{Digest: d, name: name}
	if h.meta, err = r.c.Meta(ctx, name); err != nil {
		h.bad = "its metadata: " + err.Error()
	}
	return h, nil
}

func (r *run) read(ctx context.Context, name string) (*Digest, error) {
	in, err := r.c.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(in, maxDigest+1))
	if err != nil {
		return nil, err
	}
	return ParseDigest(data)
}

// link says where a chain begins, has a gap, or misses a digest.
func (r *run) link(h *header, by, bad map[string]*header, before *header, chain string) error {
	switch prev := by[h.Previous()]; {
	case h.Previous() == "":
		if before == nil || h.Backfill() || !before.End.Before(h.Start) {
			return nil
		}
		return r.say(Result{Kind: "digest", Status: Gap, Object: chain, From: before.End, To: h.Start, By: h.Place(),
			Detail: "the digest behind the gap begins a new chain: validation was off, the trail was stopped or made anew; log files of that time are not proven"})
	case prev != nil:
		if h.Backfill() || !prev.End.Before(h.Start) {
			return nil
		}
		return r.say(Result{Kind: "digest", Status: Gap, Object: chain, From: prev.End, To: h.Start, By: h.Place(),
			Detail: "two digests that follow one another leave a time between them"})
	case !r.From.IsZero() && !h.Start.After(r.From) || before == nil && !r.From.IsZero() && h.Backfill():
		return r.say(Result{Kind: "digest", Status: Begins, Object: h.Place(), File: h.name, From: h.Start, To: h.End,
			Detail: "the digest before it lies before the time that was asked for"})
	default:
		if at := r.n.find(h.PrevBucket, h.PrevKey); at >= 0 && bad[r.n.all[at]] != nil {
			b := bad[r.n.all[at]]
			delete(bad, b.name)
			return r.say(Result{Kind: "digest", Status: Altered, Object: h.Previous(), File: b.name, Want: h.PrevHash, By: h.Place(), To: h.Start,
				Detail: "it cannot be read any more: " + b.bad})
		}
		res := Result{Kind: "digest", Status: Missing, Object: h.Previous(), Want: h.PrevHash, By: h.Place(), To: h.Start,
			Detail: "the next digest names it, and it is not among the copies"}
		if before != nil {
			res.From = before.End
			where := whose(h.Key)
			r.lost[where] = append(r.lost[where], covered{before.End, h.Start})
		} else if res.From = h.Start; !h.Backfill() {
			res.Detail += " (hint: where the copies begin on purpose, give that time with --from)"
		}
		return r.say(res)
	}
}

// digest verifies one digest, then the log files that it names.
func (r *run) digest(ctx context.Context, h *header) error {
	res := r.judge(h)
	d, err := r.read(ctx, h.name)
	if err == nil && d.Hash != h.Hash {
		err = errors.New("it changed while it was read")
	}
	if err != nil {
		res.Status, res.Detail = Unreadable, err.Error()
		return r.say(res)
	}
	proven := !res.Status.Fault()
	if proven && len(d.Logs) == 0 {
		r.sum.Empty++
		res.Detail = strings.TrimPrefix(res.Detail+"; it names no log file", "; ")
	}
	if err := r.say(res); err != nil {
		return err
	}
	if where := whose(h.Key); proven && !h.Backfill() {
		if s := r.span[where]; len(s) > 0 && !s[len(s)-1].to.Before(h.Start) {
			s[len(s)-1].to = h.End
		} else {
			r.span[where] = append(s, covered{h.Start, h.End})
		}
	}
	return r.logs(ctx, d, proven)
}

// whose is the account and region of a digest, as the name of its log files has them.
func whose(key string) string {
	m := chainName.FindStringSubmatch(path.Base(key))
	if m == nil {
		return ""
	}
	return m[1] + "/" + m[2]
}

// judge finds out whether a digest is genuine.
func (r *run) judge(h *header) Result {
	res := Result{Kind: "digest", Status: Valid, Object: h.Place(), File: h.name, From: h.Start, To: h.End}
	if h.next != nil {
		res.By = h.next.Place()
		if h.next.PrevHash != "" && h.next.PrevHash != hex.EncodeToString(h.Hash[:]) {
			res.Want, res.Got = h.next.PrevHash, hex.EncodeToString(h.Hash[:])
		}
	}
	own, next := h.meta["signature"], ""
	if h.next != nil {
		next = h.next.PrevSignature
	}
	if own == "" && next == "" {
		if r.AcceptUnsignedEnd && h.last {
			r.sum.UnsignedAtEnds++
			res.Detail = "accepted without a signature: it is the last of its chain and its metadata was not copied"
			return res
		}
		res.Status = Unsigned
		res.Detail = "no digest behind it is there that holds its signature, and the metadata of the object was not copied (hint: aws s3api head-object --bucket " +
			h.Bucket + " --key " + h.Key + " > " + path.Base(h.name) + metaSuffix + ")"
		return res
	}
	keys := r.Keys.lookup(h.Fingerprint)
	if len(keys) == 0 {
		res.Status, res.Want = NoKey, h.Fingerprint
		res.Detail = "no key of this fingerprint is given (hint: aws cloudtrail list-public-keys --start-time … --end-time … --region of the digest)"
		return res
	}
	var ownOK, nextOK, inTime bool
	for _, k := range keys {
		o, n := own != "" && h.Verify(k.key, own), next != "" && h.Verify(k.key, next)
		ownOK, nextOK = ownOK || o, nextOK || n
		inTime = inTime || (o || n) && k.inUse(h)
	}
	switch {
	case !ownOK && !nextOK && res.Want != "":
		res.Status, res.Detail = Altered, "it is not what the next digest says, and no signature holds"
	case !ownOK && !nextOK:
		res.Status, res.Detail = BadSign, "the signature does not hold: the digest or its metadata was altered"
	case own != "" && !ownOK:
		res.Status, res.Detail = BadSign, "the signature in its metadata does not hold; the one in the next digest does"
	case !inTime:
		res.Status, res.Detail = NoKey, "the key that signed it was not in use at that time"
	case res.Want != "":
		// Its own signature holds, so that the next digest must be the one that was altered.
		res.Want, res.Got, res.By = "", "", ""
		res.Detail = "the next digest says another SHA-256 of it"
	}
	return res
}

func (k *Keys) lookup(fingerprint string) []publicKey {
	if k == nil {
		return nil
	}
	return k.by[fingerprint]
}

// inUse says whether a key was in use when a digest was made. A backfill digest is made
// later than its time says; when, only its metadata tells.
func (k publicKey) inUse(h *header) bool {
	at := h.End
	if h.Backfill() {
		t, err := time.Parse(time.RFC3339, h.meta["backfill-generation-timestamp"])
		if err != nil {
			return true
		}
		at = t
	}
	return (k.from.IsZero() || !at.Before(k.from.Add(-keyLeeway))) && (k.to.IsZero() || !at.After(k.to.Add(keyLeeway)))
}

// logs verifies the log files of a digest, several at once, in their order.
func (r *run) logs(ctx context.Context, d *Digest, proven bool) error {
	out := make([]Result, len(d.Logs))
	read := make([]int64, len(d.Logs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, r.Workers)
	for i, l := range d.Logs {
		at := r.n.find(l.Bucket, l.Key)
		if at >= 0 {
			r.n.used[at] = true
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i], read[i] = r.log(ctx, l, at)
			out[i].By = d.Place()
			if !proven && !out[i].Status.Fault() {
				out[i].Status, out[i].Detail = Unproven, "it is what the digest says, but the digest itself is not proven"
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i := range out {
		r.sum.Bytes += read[i]
		if err := r.say(out[i]); err != nil {
			return err
		}
	}
	return nil
}

// log compares one log file with what its digest says: the SHA-256 of the unpacked bytes.
func (r *run) log(ctx context.Context, l LogFile, at int) (Result, int64) {
	res := Result{Kind: "log", Status: Valid, Object: l.Place(), Want: l.Hash}
	if at < 0 {
		res.Status, res.Detail = Missing, "the digest names it, and it is not among the copies"
		return res, 0
	}
	res.File = r.n.all[at]
	got, n, err := r.unpackedSum(ctx, res.File)
	if err != nil {
		// A packed file that cannot be unpacked any more was altered too; that the copy
		// cannot be opened is another matter.
		if res.Status = Unreadable; errors.Is(err, errPacked) {
			res.Status = Altered
		}
		res.Detail = err.Error()
		return res, n
	}
	if got != l.Hash {
		res.Status, res.Got = Altered, got
		return res, n
	}
	res.Want = ""
	return res, n
}

var errPacked = errors.New("it cannot be unpacked")

// unpackedSum is the SHA-256 of a file, unpacked where it is packed. Everything behind the
// first gzip member counts as well: nothing can hide there.
func (r *run) unpackedSum(ctx context.Context, name string) (string, int64, error) {
	in, err := r.c.Open(ctx, name)
	if err != nil {
		return "", 0, err
	}
	defer in.Close() //nolint:errcheck // it was only read
	h := sha256.New()
	head := make([]byte, 2)
	k, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", 0, err
	}
	whole := io.MultiReader(strings.NewReader(string(head[:k])), in)
	isPacked := k == 2 && head[0] == 0x1f && head[1] == 0x8b
	if isPacked {
		z, err := gzip.NewReader(whole)
		if err != nil {
			return "", 0, fmt.Errorf("%w: %w", errPacked, err)
		}
		whole = z
	} else if strings.HasSuffix(name, ".gz") {
		return "", 0, fmt.Errorf("%w: it does not begin as gzip does", errPacked)
	}
	n, err := copyCancel(ctx, h, io.LimitReader(whole, maxLog+1))
	if err != nil && isPacked && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errPacked, err)
	}
	if err == nil && n > maxLog {
		err = fmt.Errorf("%w: it unpacks to more than %d GB", errPacked, int64(maxLog)>>30)
	}
	return hex.EncodeToString(h.Sum(nil)), n, err
}

func copyCancel(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	buf := make([]byte, 128<<10)
	var n int64
	for {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		k, err := r.Read(buf)
		n += int64(k)
		if _, werr := w.Write(buf[:k]); werr != nil {
			return n, werr
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// unlisted names the log files that no digest names. Within a time that digests cover,
// that is a fault: CloudTrail did not deliver the file. The name says when it was made; it
// may have been delivered up to an hour later.
func (r *run) unlisted(ctx context.Context) error {
	for i, name := range r.n.all {
		if r.n.used[i] {
			continue
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		m := logName.FindStringSubmatch(path.Base(name))
		if m == nil {
			continue
		}
		at, err := time.Parse("20060102T1504Z", m[3])
		if err != nil || !r.From.IsZero() && at.Before(r.From) || !r.To.IsZero() && at.After(r.To) {
			continue
		}
		res := Result{Kind: "log", Status: Outside, Object: name, File: name, Detail: "no digest among the copies covers its time"}
		for _, s := range r.span[m[1]+"/"+m[2]] {
			if at.After(s.from) && at.Before(s.to.Add(-time.Hour)) {
				res.Status = Unlisted
				res.Detail = "digests cover its time and none names it: CloudTrail did not deliver it, or another trail did that keeps no digests"
			}
		}
		for _, s := range r.lost[m[1]+"/"+m[2]] {
			if res.Status == Outside && at.After(s.from) && at.Before(s.to) {
				res.Status, res.Detail = Unproven, "the digest of its time is missing"
			}
		}
		if err := r.say(res); err != nil {
			return err
		}
	}
	return nil
}
