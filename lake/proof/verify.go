package proof

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/lake/blob"
)

// ChainOptions say how a lake is verified.
type ChainOptions struct {
	// Keys check the seals; without any, seals are not looked at. With keys, every manifest
	// must be sealed by one of them.
	Keys []Key
	// Open opens a lake file. The error wraps fs.ErrNotExist or blob.ErrNotFound where there
	// is none. nil: the files are not read, the chain alone is verified.
	Open func(ctx context.Context, name string) (io.ReadCloser, error)
	// Live are the files that the catalogue names; nil: it is not compared. What was
	// committed after the newest manifest is held to the catalogue's own checksums.
	Live []yagura.LakeFile
	// Copies are the copies of originals that the catalogue names. Their SHA-256 is that of the
	// objects in the manifests.
	Copies []yagura.LakeCopy
	// Still says whether the catalogue has a file or a copy now: a lake is written to and compacted while
	// it is verified. nil: nothing changes meanwhile.
	Still func(ctx context.Context, number int64) (bool, error)
	// Number and Hash are a newest manifest that was kept elsewhere: the chain must have it.
	Number int64
	Hash   string
	// Now shows a chain that ended long ago: more than two hours, or MaxAge. Zero: not looked at.
	Now    time.Time
	MaxAge time.Duration
	// Workers read files at once; 0: 2.
	Workers  int
	Progress func(ChainProgress)
}

// ChainProgress is how far a verification is.
type ChainProgress struct {
	Manifests        int
	Files, FilesAll  int   // Parquet files
	Bytes, BytesAll  int64 // of them
	Faults           int
	CurrentManifest  int64
	CurrentFileNamed string
}

// VerifyChain verifies a chain of manifests from its first one on, then every lake file
// that it names and does not drop: its size and the SHA-256 of its bytes. It calls each
// with one result after the other; the first fault of a chain is where it broke. The
// error is of reading or of each.
func VerifyChain(ctx context.Context, m Manifests, o ChainOptions, each func(Result) error) (Summary, error) {
	o.Workers = cmp.Or(o.Workers, 2)
	o.MaxAge = cmp.Or(o.MaxAge, 2*time.Hour)
	v := &chainRun{ChainOptions: o, m: m, each: each, files: map[int64]named{}, dropped: map[int64]Drop{}}
	if err := v.manifests(ctx); err != nil {
		return v.sum, err
	}
	if err := v.catalogue(ctx); err != nil {
		return v.sum, err
	}
	if o.Open == nil {
		return v.sum, nil
	}
	return v.sum, v.read(ctx)
}

type named struct {
	Entry
	by string // the manifest
}

type chainRun struct {
	ChainOptions
	m       Manifests
	each    func(Result) error
	sum     Summary
	files   map[int64]named
	dropped map[int64]Drop
	live    map[int64]bool
	seq     int64
	done    ChainProgress
}

func (v *chainRun) say(r Result) error {
	v.sum.count(&r)
	v.done.Faults = v.sum.Faults
	return v.each(r)
}

func (v *chainRun) progress() {
	if v.Progress != nil {
		v.Progress(v.done)
	}
}

// manifests follows the chain.
func (v *chainRun) manifests(ctx context.Context) error {
	var list []string
	if err := v.m.Names(ctx, func(name string) error {
		if numbered(name) {
			list = append(list, name)
		}
		return nil
	}); err != nil {
		return err
	}
	slices.Sort(list)
	var prev *Sealed
	next := int64(1) // the number that is expected
	hashes := map[int64]string{}
	for _, name := range list {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var number int64
		if _, err := fmt.Sscanf(name[len(name)-17:], "%012d.json", &number); err != nil || nameOf(number) != name {
			if err := v.say(Result{Kind: "manifest", Status: Moved, Object: name, Detail: "no manifest has this name"}); err != nil {
				return err
			}
			continue
		}
		if number > next {
			res := Result{Kind: "manifest", Status: Missing, Object: nameOf(next), By: name, Detail: "its number is missing from the chain"}
			if number > next+1 {
				res.Detail = fmt.Sprintf("the numbers up to %s are missing from the chain", nameOf(number-1))
			}
			if prev != nil {
				res.From = prev.To
			}
			if s, err := v.decode(ctx, name); err == nil {
				res.Want, res.To = s.Prev, s.From
			}
			if err := v.say(res); err != nil {
				return err
			}
			prev = nil
		}
		next = number + 1
		s, err := v.one(ctx, name, number, prev)
		if err != nil {
			return err
		}
		if prev = s; s != nil {
			hashes[number] = s.Hash
		}
	}
	if next == 1 {
		res := Result{Kind: "manifest", Status: Missing, Object: nameOf(1), Detail: "there is no manifest at all"}
		if len(v.Keys) == 0 && v.Hash == "" {
			// A lake that was made by an import just now has none.
			res.Status, res.Detail = Begins, "there is no manifest yet: files are compared with the catalogue alone"
		}
		return v.say(res)
	}
	return v.ending(prev, next-1, hashes)
}

// ending looks at the end of the chain, which nothing in it can prove.
func (v *chainRun) ending(last *Sealed, number int64, hashes map[int64]string) error {
	if v.Hash != "" {
		switch {
		case v.Number > number:
			if err := v.say(Result{Kind: "manifest", Status: Ends, Object: nameOf(number), Want: v.Hash,
				Detail: fmt.Sprintf("the chain ends before number %d, whose hash was kept elsewhere", v.Number)}); err != nil {
				return err
			}
		case hashes[v.Number] != v.Hash:
			if err := v.say(Result{Kind: "manifest", Status: Altered, Object: nameOf(v.Number), Want: v.Hash, Got: hashes[v.Number],
				Detail: "its hash was kept elsewhere and is another"}); err != nil {
				return err
			}
		}
	}
	if last != nil && !v.Now.IsZero() && v.Now.Sub(last.To) > v.MaxAge {
		return v.say(Result{Kind: "manifest", Status: Ends, Object: nameOf(number), From: last.To, To: v.Now.UTC(), Detail: "nothing was sealed since then"})
	}
	return nil
}

func (v *chainRun) decode(ctx context.Context, name string) (*Sealed, error) {
	data, err := v.m.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

// one verifies a manifest and takes its files over, when it can be believed to be what was
// written.
func (v *chainRun) one(ctx context.Context, name string, number int64, prev *Sealed) (*Sealed, error) {
	res := Result{Kind: "manifest", Status: Valid, Object: name}
	s, err := v.decode(ctx, name)
	v.done.Manifests, v.done.CurrentManifest = v.done.Manifests+1, number
	v.progress()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, ErrAltered):
		res.Status, res.Detail = Altered, err.Error()
		return nil, v.say(res)
	case err != nil:
		res.Status, res.Detail = Unreadable, err.Error()
		return nil, v.say(res)
	}
	res.From, res.To = s.From, s.To
	if again, err := Seal(s.Manifest, &Sealed{Manifest: Manifest{Number: s.Number - 1, To: s.From}, Hash: s.Prev}, idOnly(s.Key)); err != nil || string(again.Body) != string(s.Body) {
		res.Status, res.Detail = Altered, "it is not in the form in which manifests are written"
		return nil, v.say(res)
	}
	switch sealed := s.Check(v.Keys); {
	case s.Number != number:
		res.Status, res.Detail = Moved, fmt.Sprintf("it is number %d", s.Number)
	case number == 1 && s.Prev != "":
		res.Status, res.Want, res.Detail = Broken, s.Prev, "it is the first and names one before it"
	case prev != nil && s.Prev != prev.Hash:
		res.Status, res.Want, res.Got, res.By = Broken, s.Prev, prev.Hash, name
		res.Detail = "the manifest before it is not the one that it names"
	case prev != nil && !s.From.Equal(prev.To):
		res.Status, res.From, res.To = Broken, prev.To, s.From
		res.Detail = "a time is missing between the two"
	case sealed != Valid:
		res.Status, res.Want = sealed, s.Key
		res.Detail = map[Status]string{BadSign: "the seal does not hold", NoKey: "it is sealed with another key than those given", Unsigned: "it is not sealed"}[sealed]
	}
	// What it names is taken over in any case: a file that is not what even a manifest in
	// doubt says is worth knowing.
	for _, f := range s.Files {
		if was, ok := v.files[f.Number]; ok && was.Entry != f {
			if err := v.say(Result{Kind: "manifest", Status: Broken, Object: name, By: was.by, Detail: fmt.Sprintf("it names file %d otherwise than an earlier one", f.Number)}); err != nil {
				return nil, err
			}
			continue
		}
		v.files[f.Number] = named{f, name}
	}
	for _, d := range s.Dropped {
		if was, ok := v.dropped[d.Number]; !ok || was.Raw {
			v.dropped[d.Number] = d
		}
	}
	v.seq = max(v.seq, s.Seq)
	return s, v.say(res)
}

// idOnly is a key that gives its ID and seals with nothing, to make a manifest's bytes anew.
type idOnly string

// ID is the id.
func (k idOnly) ID() string { return string(k) }

// Seal gives something.
func (idOnly) Seal([]byte) []byte { return []byte{} }

// Check is never asked.
func (idOnly) Check(_, _ []byte) bool { return false }

// catalogue compares what the chain names with what the catalogue does.
func (v *chainRun) catalogue(ctx context.Context) error {
	if v.Live == nil {
		return nil
	}
	v.live = map[int64]bool{}
	for _, f := range v.Live {
		v.live[f.Number] = true
		n, ok := v.files[f.Number]
		switch {
		case !ok && f.Seq > v.seq:
			v.files[f.Number] = named{EntryOf(f), "the catalogue"} // it came after the newest manifest
			v.sum.Unsealed++
		case !ok && f.Seq <= v.seq:
			if err := v.say(Result{Kind: "head", Status: Unlisted, Object: f.Head, Got: hex.EncodeToString(f.HeadSum[:]),
				Detail: fmt.Sprintf("the catalogue has file %d, committed before the newest manifest, and no manifest names it", f.Number)}); err != nil {
				return err
			}
		case ok && (n.Head != EntryOf(f).Head || n.Raw != EntryOf(f).Raw):
			if err := v.say(Result{Kind: "head", Status: Altered, Object: f.Head, Want: n.Head.SHA256, Got: hex.EncodeToString(f.HeadSum[:]), By: n.by,
				Detail: fmt.Sprintf("the catalogue says of file %d what the manifest does not", f.Number)}); err != nil {
				return err
			}
		}
	}
	for _, number := range slices.Sorted(maps.Keys(v.files)) {
		if d, ok := v.dropped[number]; (!ok || d.Raw) && !v.live[number] {
			if v.Still != nil { // it may have come after the catalogue was listed
				now, err := v.Still(ctx, number)
				if err != nil {
					return err
				}
				if now {
					v.live[number] = true
					continue
				}
			}
			n := v.files[number]
			if err := v.say(Result{Kind: "head", Status: Missing, Object: n.Head.Name, Want: n.Head.SHA256, By: n.by,
				Detail: fmt.Sprintf("file %d is not in the catalogue, and no manifest says that it was dropped", number)}); err != nil {
				return err
			}
		}
	}
	return nil
}

type toRead struct {
	kind string
	Part
	by     string
	number int64
	gone   bool // it may have been removed
}

// read reads every file that should be there, several at once, and says the results in
// the order of the files.
func (v *chainRun) read(ctx context.Context) error {
	var todo []toRead
	for _, number := range slices.Sorted(maps.Keys(v.files)) {
		n := v.files[number]
		// What the catalogue still has was not dropped, whatever was meant to be done.
		d, dropped := v.dropped[number]
		dropped = dropped && (d.Raw || !v.live[number])
		todo = append(todo, toRead{"head", n.Head, n.by, number, dropped && !d.Raw}, toRead{"raw", n.Raw, n.by, number, dropped})
		v.done.BytesAll += n.Head.Size + n.Raw.Size
	}
	changing := maps.Clone(v.live)
	if changing == nil {
		changing = map[int64]bool{}
	}
	for _, c := range v.Copies {
		changing[c.Number] = true
		todo = append(todo, toRead{kind: "original", Part: Part{Name: c.Name, Size: c.Size, SHA256: c.Sum}, number: c.Number})
		v.done.BytesAll += c.Size
	}
	v.done.FilesAll = len(todo)
	for len(todo) > 0 {
		k := min(len(todo), 4*v.Workers)
		results := make([]Result, k)
		var wg sync.WaitGroup
		slots := make(chan struct{}, v.Workers)
		for i, t := range todo[:k] {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				results[i] = v.file(ctx, t)
			})
		}
		wg.Wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for i, res := range results {
			if res.Status == Missing && v.Still != nil && changing[todo[i].number] {
				now, err := v.Still(ctx, todo[i].number)
				if err != nil {
					return err
				}
				if !now {
					res.Status, res.Want, res.Detail = Expired, "", "it was replaced or dropped while the lake was verified"
				}
			}
			v.done.Files, v.done.Bytes, v.done.CurrentFileNamed = v.done.Files+1, v.done.Bytes+todo[i].Size, todo[i].Name
			if res.Status == Valid {
				v.sum.Bytes += todo[i].Size
			}
			if err := v.say(res); err != nil {
				return err
			}
		}
		v.progress()
		todo = todo[k:]
	}
	return nil
}

func (v *chainRun) file(ctx context.Context, t toRead) Result {
	res := Result{Kind: t.kind, Status: Valid, Object: t.Name, By: t.by}
	in, err := v.Open(ctx, t.Name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, blob.ErrNotFound) {
		names := "a manifest"
		if t.by == "" {
			names = "the catalogue"
		}
		if res.Status, res.Want, res.Detail = Missing, t.SHA256, names+" names it, and it is not there"; t.gone {
			res.Status, res.Want, res.Detail = Expired, "", "a manifest says that it was dropped"
		}
		return res
	}
	if err == nil {
		h := sha256.New()
		var n int64
		n, err = copyCancel(ctx, h, io.LimitReader(in, t.Size+1))
		err = errors.Join(err, in.Close())
		if got := hex.EncodeToString(h.Sum(nil)); err == nil && (n != t.Size || got != t.SHA256) {
			res.Status, res.Want, res.Got = Altered, t.SHA256, got
			if n != t.Size {
				res.Detail = fmt.Sprintf("it has %d bytes, or more, and not %d", n, t.Size)
			}
			return res
		}
	}
	if err != nil {
		res.Status, res.Want, res.Detail = Unreadable, t.SHA256, err.Error()
		if errors.Is(err, blob.ErrChecksum) {
			res.Status = Altered
		}
	}
	return res
}
