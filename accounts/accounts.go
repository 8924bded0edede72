package accounts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/yagura-sec/yagura"
)

// Options say where the organisation is and what its tags mean.
type Options struct {
	Region   string // "": us-east-1, where the service is; cn-northwest-1 in China
	Endpoint string // of another service than AWS's
	// AccessKeyID and SecretAccessKey go before the credentials of the environment.
	AccessKeyID, SecretAccessKey, SessionToken string
	// RoleARN is taken on to read, usually one of the management account.
	RoleARN, ExternalID, STSEndpoint string
	// Owner, Environment, Channel and Repository are keys of tags, the first that an account
	// has counts, in any case of letters. nil: owner and team; environment and env;
	// slack-channel; repository.
	Owner, Environment, Channel, Repository []string
	// Cache is the file that the list is kept in, "" for none; MaxAge is how old it may be
	// before it is read anew (0: six hours).
	Cache  string
	MaxAge time.Duration
	// MaxAttempts bounds the tries of one request (0: 10).
	MaxAttempts int
	Now         func() time.Time // nil: the machine's clock
}

// List is what an organisation says.
type List struct {
	Organisation string
	Accounts     []yagura.AccountInfo // by id
	Read         time.Time            // when it was read from the organisation
	// Stale is why the list could not be read anew, nil when it is fresh; Partial what could
	// not be read of it.
	Stale, Partial error
}

// maxAccounts bounds a list; AWS allows 10,000 accounts, and more when asked.
const maxAccounts = 100_000

func (o Options) complete() Options {
	fill := func(keys *[]string, def ...string) {
		if *keys == nil {
			*keys = def
		}
	}
	fill(&o.Owner, "owner", "team")
	fill(&o.Environment, "environment", "env")
	fill(&o.Channel, "slack-channel")
	fill(&o.Repository, "repository")
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.MaxAge == 0 {
		o.MaxAge = 6 * time.Hour
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 10
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Load returns the list from its file when that is young enough, and reads it anew
// otherwise. When that fails and there is an old list, it returns that, with Stale set.
func Load(ctx context.Context, o Options) (*List, error) {
	o = o.complete()
	old, cacheErr := load(o)
	if old != nil && o.Now().Sub(old.Read) < o.MaxAge && !old.Read.After(o.Now().Add(time.Minute)) {
		return old, nil
	}
	fresh, err := read(ctx, o)
	if err != nil {
		if old == nil {
			return nil, errors.Join(err, cacheErr)
		}
		old.Stale = err
		return old, nil
	}
	if err := save(o, fresh); err != nil {
		fresh.Partial = errors.Join(fresh.Partial, err)
	}
	return fresh, nil
}

// read asks the organisation.
func read(ctx context.Context, o Options) (*List, error) {
	client, err := connect(ctx, o)
	if err != nil {
		return nil, explain("", err)
	}
	described, err := client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if err != nil {
		return nil, explain("DescribeOrganization", err)
	}
	list := &List{Read: o.Now().UTC()}
	if described.Organization != nil {
		list.Organisation = aws.ToString(described.Organization.Id)
	}
	var found []types.Account
	for p := organizations.NewListAccountsPaginator(client, &organizations.ListAccountsInput{}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, explain("ListAccounts", err)
		}
		if found = append(found, page.Accounts...); len(found) > maxAccounts {
			return nil, fmt.Errorf("accounts: more than %d in one organisation", maxAccounts)
		}
	}
	paths, err := tree(ctx, client)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		list.Partial = errors.Join(list.Partial, fmt.Errorf("the organisational units are not known: %w", err))
	}
	for _, a := range found {
		tags, err := tagsOf(ctx, client, aws.ToString(a.Id))
		if err != nil {
			// Owners decide who is told: a list without them would be worse than an old one.
			return nil, explain("ListTagsForResource", err)
		}
		list.Accounts = append(list.Accounts, o.info(list.Organisation, a, tags, paths[aws.ToString(a.Id)]))
	}
	slices.SortFunc(list.Accounts, func(a, b yagura.AccountInfo) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// info makes an account of what is said of it.
func (o Options) info(organisation string, a types.Account, tags map[string]string, path string) yagura.AccountInfo {
	first := func(keys []string) string {
		for _, k := range keys {
			if v := tags[strings.ToLower(k)]; v != "" {
				return v
			}
		}
		return ""
	}
	info := yagura.AccountInfo{ID: aws.ToString(a.Id), Name: aws.ToString(a.Name), Organisation: organisation, Owner: first(o.Owner),
		Environment: first(o.Environment), Channel: first(o.Channel), Repository: first(o.Repository), Listed: true}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		info.Tags = append(info.Tags, k+"="+tags[k])
	}
	if path != "" {
		info.Tags = append(info.Tags, "ou="+path)
	}
	state := string(a.State)
	if state == "" {
		state = string(a.Status)
	}
	if state != "" && state != string(types.AccountStateActive) {
		info.Tags = append(info.Tags, "state="+strings.ToLower(state))
	}
	return info
}

// tree walks the units and returns the path of each account, like Root/Prod/Payments.
func tree(ctx context.Context, client *organizations.Client) (map[string]string, error) {
	type place struct{ id, path string }
	var todo []place
	for p := organizations.NewListRootsPaginator(client, &organizations.ListRootsInput{}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, explain("ListRoots", err)
		}
		for _, r := range page.Roots {
			todo = append(todo, place{aws.ToString(r.Id), aws.ToString(r.Name)})
		}
	}
	paths := map[string]string{}
	seen := map[string]bool{}
	for len(todo) > 0 {
		at := todo[0]
		if todo = todo[1:]; seen[at.id] {
			continue
		}
		seen[at.id] = true
		for p := organizations.NewListAccountsForParentPaginator(client, &organizations.ListAccountsForParentInput{ParentId: &at.id}); p.HasMorePages(); {
			page, err := p.NextPage(ctx)
			if err != nil {
				return paths, explain("ListAccountsForParent", err)
			}
			for _, a := range page.Accounts {
				paths[aws.ToString(a.Id)] = at.path
			}
		}
		for p := organizations.NewListOrganizationalUnitsForParentPaginator(client, &organizations.ListOrganizationalUnitsForParentInput{ParentId: &at.id}); p.HasMorePages(); {
			page, err := p.NextPage(ctx)
			if err != nil {
				return paths, explain("ListOrganizationalUnitsForParent", err)
			}
			for _, u := range page.OrganizationalUnits {
				todo = append(todo, place{aws.ToString(u.Id), at.path + "/" + aws.ToString(u.Name)})
			}
		}
	}
	return paths, nil
}

// tagsOf returns the tags of an account, keys in small letters.
func tagsOf(ctx context.Context, client *organizations.Client, id string) (map[string]string, error) {
	tags := map[string]string{}
	for p := organizations.NewListTagsForResourcePaginator(client, &organizations.ListTagsForResourceInput{ResourceId: &id}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tags {
			tags[strings.ToLower(aws.ToString(t.Key))] = aws.ToString(t.Value)
		}
	}
	return tags, nil
}

func connect(ctx context.Context, o Options) (*organizations.Client, error) {
	load := []func(*config.LoadOptions) error{
		config.WithRegion(o.Region),
		config.WithLogger(logging.Nop{}),
		config.WithRetryer(func() aws.Retryer {
			// The service lets little through at a time, and a list is in no hurry.
			return retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts, s.RateLimiter = o.MaxAttempts, ratelimit.None })
		}),
	}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, err
	}
	if o.RoleARN != "" {
		client := sts.NewFromConfig(cfg, func(s *sts.Options) {
			if o.STSEndpoint != "" {
				s.BaseEndpoint = &o.STSEndpoint
			}
		})
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, o.RoleARN, func(a *stscreds.AssumeRoleOptions) {
			a.RoleSessionName = "yagura"
			if o.ExternalID != "" {
				a.ExternalID = &o.ExternalID
			}
		}))
	}
	return organizations.NewFromConfig(cfg, func(s *organizations.Options) {
		if o.Endpoint != "" {
			s.BaseEndpoint = &o.Endpoint
		}
	}), nil
}

// explain makes an error of the SDK one that a person can act on.
func explain(action string, err error) error {
	none := (*types.AWSOrganizationsNotInUseException)(nil)
	api := smithy.APIError(nil)
	switch {
	case errors.As(err, &none):
		return errors.New("accounts: this account is in no organisation (hint: read it by a role of the management account, or list accounts in a file)")
	case errors.As(err, &api) && strings.Contains(err.Error(), "AssumeRole"):
		return fmt.Errorf("accounts: the role cannot be taken on: %s (hint: allow sts:AssumeRole on it, and trust this identity in it)", api.ErrorCode())
	case errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied"):
		return fmt.Errorf("accounts: access denied (hint: the identity needs organizations:%s, in the management account or a delegated administrator's)", action)
	case errors.As(err, &api):
		return fmt.Errorf("accounts: %s: %s: %s", action, api.ErrorCode(), api.ErrorMessage())
	}
	return fmt.Errorf("accounts: %s: %w", action, err)
}
