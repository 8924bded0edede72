package s3

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/yagura-sec/yagura/source"
)

// Role is an IAM role that is taken on for some buckets, usually of another account.
type Role struct {
	ARN         string
	ExternalID  string
	SessionName string // "": "yagura"
	// Buckets are globs of names, Accounts the accounts that own the buckets, where the
	// notification says so. A role without either is for all.
	Buckets, Accounts []string
}

// StoreOptions configure a store. Of the Options, Since and Ahead have no meaning here.
type StoreOptions struct {
	Options
	// Roles are looked through in order; a bucket that none is for is read as oneself.
	Roles []Role
	// STSEndpoint is where roles are taken on, "" for AWS's own.
	STSEndpoint string
}

// Store opens the objects of any bucket that somebody names. Clients are shared by region
// and role, credentials of roles are kept until shortly before they end, and a bucket in
// another region is followed there once.
type Store struct {
	options StoreOptions
	cfg     aws.Config
	counts  counts

	mu      sync.Mutex
	configs map[string]aws.Config // by role
	clients map[place]*s3.Client
	buckets map[place]*Bucket
}

// place is a region or bucket as seen by a role.
type place struct{ where, role string }

// counts are the requests that were made, which is what a store costs.
type counts struct{ gets, heads, lists atomic.Int64 }

func (c *counts) get() {
	if c != nil {
		c.gets.Add(1)
	}
}

func (c *counts) list() {
	if c != nil {
		c.lists.Add(1)
	}
}

// NewStore makes a store. Nothing is asked of the network yet.
func NewStore(ctx context.Context, o StoreOptions) (*Store, error) {
	o.Options = o.complete()
	for _, r := range o.Roles {
		if r.ARN == "" {
			return nil, &source.Error{Name: "roles", Err: errors.New("a role without an ARN")}
		}
		for _, g := range r.Buckets {
			if _, err := path.Match(g, ""); err != nil {
				return nil, &source.Error{Name: r.ARN, Err: errors.New("bucket " + g + " is not a pattern")}
			}
		}
	}
	cfg, err := Config(ctx, o.Options)
	if err != nil {
		return nil, explain("s3", err)
	}
	return &Store{options: o, cfg: cfg, configs: map[string]aws.Config{}, clients: map[place]*s3.Client{}, buckets: map[place]*Bucket{}}, nil
}

// Requests is how many objects were asked for, asked about, and pages listed.
func (s *Store) Requests() (gets, heads, lists int64) {
	return s.counts.gets.Load(), s.counts.heads.Load(), s.counts.lists.Load()
}

// Ref names one version of one object, as far as a notification does.
type Ref struct {
	Bucket, Key string
	ETag        string // with or without its quotes
	VersionID   string
	Size        int64 // negative when unknown
	Modified    time.Time
	Account     string // that owns the bucket, "" when unknown
	Region      string // of the bucket, "" when unknown
}

// Object is the object of a reference. Its tag is the ETag, so that notices, lists and
// answers of the store call it the same; without an ETag [Store.Stat] has to be asked first.
func (s *Store) Object(ref Ref) source.Object { return s.object(ref, true) }

// object is one of a notice, or of a list, whose ETags are not everywhere those of answers.
func (s *Store) object(ref Ref, strict bool) source.Object {
	etag := strings.Trim(ref.ETag, `"`)
	o := source.Object{Source: "s3", Name: "s3://" + ref.Bucket + "/" + ref.Key, Size: ref.Size, Modified: ref.Modified, Tag: etag, Whole: true}
	want := version{id: ref.VersionID}
	if etag != "" {
		want.etag, want.strict = `"`+etag+`"`, strict
	}
	o.Open = func(ctx context.Context) (io.ReadCloser, error) {
		return s.bucket(ref).open(ctx, ref.Key, want, ref.Size)
	}
	return o
}

// Stat completes a reference by what the store says now.
func (s *Store) Stat(ctx context.Context, ref Ref) (Ref, error) {
	b := s.bucket(ref)
	ctx, cancel := b.patience(ctx)
	defer cancel()
	in := &s3.HeadObjectInput{Bucket: &ref.Bucket, Key: &ref.Key}
	s.counts.heads.Add(1)
	out, err := b.api().HeadObject(ctx, in)
	if err != nil && b.follow(ctx, err) {
		s.counts.heads.Add(1)
		out, err = b.api().HeadObject(ctx, in)
	}
	switch name := b.name(ref.Key); {
	case err != nil && status(err) == 404: // the answer has no body that could say more
		return ref, &source.Error{Name: name, Err: goneError("the object, or its bucket, is gone")}
	case err != nil:
		return ref, explain(name, err)
	}
	ref.ETag, ref.Size, ref.Modified = aws.ToString(out.ETag), aws.ToInt64(out.ContentLength), aws.ToTime(out.LastModified)
	return ref, nil
}

// bucket is the bucket of a reference by the role that is for it.
func (s *Store) bucket(ref Ref) *Bucket {
	role := s.role(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := place{ref.Bucket, role.ARN + "\n" + role.ExternalID}
	if b := s.buckets[key]; b != nil {
		return b
	}
	cfg, ok := s.configs[key.role]
	if !ok {
		cfg = s.cfg
		if role.ARN != "" {
			cfg = Assume(cfg, role, s.options.STSEndpoint)
		}
		s.configs[key.role] = cfg
	}
	client := connector(cfg)
	b := &Bucket{bucket: ref.Bucket, options: s.options.Options, counts: &s.counts, region: cfg.Region}
	if ref.Region != "" && s.options.Endpoint == "" {
		b.region = ref.Region
	}
	b.connect = func(region string) *s3.Client {
		at := place{region, key.role}
		if s.clients[at] == nil {
			s.clients[at] = client(region)
		}
		return s.clients[at]
	}
	b.client = b.connect(b.region)
	again := b.connect
	b.connect = func(region string) *s3.Client { // from now on it is called without the lock
		s.mu.Lock()
		defer s.mu.Unlock()
		return again(region)
	}
	s.buckets[key] = b
	return b
}

// role finds the first role that is for a bucket.
func (s *Store) role(ref Ref) Role {
	for _, r := range s.options.Roles {
		named := slices.ContainsFunc(r.Buckets, func(g string) bool {
			ok, _ := path.Match(g, ref.Bucket) // the patterns were checked
			return ok
		})
		if named || slices.Contains(r.Accounts, ref.Account) || len(r.Buckets)+len(r.Accounts) == 0 {
			return r
		}
	}
	return Role{}
}

// Assume returns the configuration of a role that is taken on as the identity of cfg. Its
// credentials are kept, and renewed five minutes before they end.
func Assume(cfg aws.Config, role Role, endpoint string) aws.Config {
	client := sts.NewFromConfig(cfg, func(o *sts.Options) {
		o.BaseEndpoint = nil // that of cfg is another service's
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	provider := stscreds.NewAssumeRoleProvider(client, role.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "yagura"
		if role.SessionName != "" {
			o.RoleSessionName = role.SessionName
		}
		if role.ExternalID != "" {
			o.ExternalID = &role.ExternalID
		}
	})
	as := cfg.Copy()
	as.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		c, err := provider.Retrieve(ctx)
		if err != nil {
			err = &roleError{role.ARN, err}
		}
		return c, err
	}), func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 5 * time.Minute })
	return as
}
