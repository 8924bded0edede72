package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

var commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

// fetchGit reads the files of one commit, without the history before it.
func fetchGit(ctx context.Context, client *http.Client, s Source, progress io.Writer) (*fetched, error) {
	end, err := transport.NewEndpoint(s.Git)
	if err != nil {
		return nil, err
	}
	session, err := githttp.NewClient(client).NewUploadPackSession(end, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close() }()
	adv, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := resolve(adv, s.Ref)
	if err != nil {
		return nil, err
	}
	req := packp.NewUploadPackRequestFromCapabilities(adv.Capabilities)
	req.Wants = []plumbing.Hash{hash}
	if adv.Capabilities.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return nil, err
		}
	}
	tmp, err := os.MkdirTemp("", "yagura-pack-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	store := filesystem.NewStorage(osfs.New(tmp), cache.NewObjectLRU(64*cache.MiByte))
	answer, err := session.UploadPack(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", hash, err)
	}
	defer func() { _ = answer.Close() }()
	if err := packfile.UpdateObjectStorage(store, demux(req.Capabilities, answer, progress)); err != nil {
		return nil, err
	}
	commit, err := object.GetCommit(store, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) { // a tag with a text of its own
		var tag *object.Tag
		if tag, err = object.GetTag(store, hash); err == nil {
			commit, err = tag.Commit()
		}
	}
	if err != nil {
		return nil, err
	}
	tree, err := commit.Tree()
	if err != nil {
		return nil, err
	}
	c := &chooser{paths: s.Paths}
	walker := object.NewTreeWalker(tree, true, nil)
	defer walker.Close()
	for {
		name, entry, err := walker.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if entry.Mode != filemode.Regular && entry.Mode != filemode.Executable || !c.wants(name) {
			continue // links and modules of others are not followed
		}
		blob, err := object.GetBlob(store, entry.Hash)
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", name, err)
		}
		err = c.add(name, blob.Size, func() ([]byte, error) {
			r, err := blob.Reader()
			if err != nil {
				return nil, err
			}
			defer func() { _ = r.Close() }()
			return io.ReadAll(io.LimitReader(r, maxFile))
		})
		if err != nil {
			return nil, err
		}
	}
	return &fetched{version: commit.Hash.String(), files: c.files}, nil
}

// resolve finds the commit, or tag, that a name means.
func resolve(adv *packp.AdvRefs, ref string) (plumbing.Hash, error) {
	if commitHash.MatchString(ref) {
		return plumbing.NewHash(ref), nil
	}
	if ref == "" {
		if adv.Head == nil {
			return plumbing.ZeroHash, errors.New("the repository has no main branch (hint: name a ref)")
		}
		return *adv.Head, nil
	}
	for _, name := range []string{"refs/tags/" + ref, "refs/heads/" + ref, ref} {
		if h, ok := adv.Peeled[name]; ok {
			return h, nil
		}
		if h, ok := adv.References[name]; ok {
			return h, nil
		}
	}
	return plumbing.ZeroHash, fmt.Errorf("there is no branch or tag %q (hint: a commit is written with its 40 digits)", ref)
}

// demux takes the pack out of an answer that also carries messages.
func demux(l *capability.List, r io.Reader, progress io.Writer) io.Reader {
	t := sideband.Sideband64k
	switch {
	case l.Supports(capability.Sideband64k):
	case l.Supports(capability.Sideband):
		t = sideband.Sideband
	default:
		return r
	}
	d := sideband.NewDemuxer(t, r)
	if progress != nil {
		d.Progress = progress
	}
	return d
}
