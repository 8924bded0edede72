package app

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/file"
	"github.com/yagura-sec/yagura/source/push"
	"github.com/yagura-sec/yagura/source/s3"
	"github.com/yagura-sec/yagura/source/sqs"
	"github.com/yagura-sec/yagura/store"
)

// openSources makes the receivers of the configuration, and mounts those that are pushed to.
func (s *Serve) openSources(ctx context.Context, cfg *config.Config) ([]source.Receiver, error) {
	var out []source.Receiver
	var errs []error
	memory, strangers := push.NewMemory(0), push.NewMemory(0)
	for i := range cfg.Sources {
		src := &cfg.Sources[i]
		r, path, err := s.openSource(ctx, src, memory, strangers)
		if err != nil {
			errs = append(errs, fmt.Errorf("sources[%d] %s: %w", i, src.Name, err))
			continue
		}
		out = append(out, r)
		s.receivers = append(s.receivers, r)
		if e, ok := r.(*push.Endpoint); ok {
			if cfg.Server.Listen == "" {
				errs = append(errs, &config.Fault{Where: "server.listen", Reason: fmt.Sprintf("source %s is pushed to and nothing listens", src.Name), Hint: "listen: :8443"})
			}
			s.mux.Handle(path, e)
			s.mux.Handle(path+"/", e)
		}
	}
	return out, errors.Join(errs...)
}

// webhookKeys tells shared keys (whsec_) from public ones (whpk_).
func webhookKeys(list []config.Secret) (keys push.WebhookKeys) {
	for _, key := range reveal(list) {
		if strings.HasPrefix(key, "whpk_") {
			keys.Public = append(keys.Public, key)
		} else {
			keys.Secrets = append(keys.Secrets, key)
		}
	}
	return keys
}

func prefixes(list []string) (out []netip.Prefix) {
	for _, text := range list {
		if p, err := netip.ParsePrefix(text); err == nil { // the configuration was checked
			out = append(out, p)
		}
	}
	return out
}

// snsAccess takes a secret behind the path, or as the password of the user sns in the address
// that the topic is subscribed to.
func snsAccess(list []config.Secret) (a push.Access) {
	for _, word := range reveal(list) {
		a.Path = append(a.Path, word)
		a.Basic = append(a.Basic, push.Basic{User: "sns", Password: word})
	}
	return a
}

// credentials are what whoever pushes to a source has to show.
func credentials(src *config.Source) (access push.Access, keys push.WebhookKeys) {
	switch {
	case src.Push != nil:
		access.Bearer, keys = reveal(src.Push.Tokens), webhookKeys(src.Push.Secrets)
	case src.SNS != nil:
		access = snsAccess(src.SNS.Secrets)
	case src.EventBridge != nil:
		header := src.EventBridge.Header
		if header == "" {
			header = "X-Api-Key"
		}
		for _, key := range src.EventBridge.Keys {
			access.Header = append(access.Header, push.Header{Name: header, Value: key.Reveal()})
			access.Bearer = append(access.Bearer, key.Reveal())
			access.Basic = append(access.Basic, push.Basic{User: "yagura", Password: key.Reveal()})
		}
	case src.Falco != nil:
		access.Bearer = reveal(src.Falco.Tokens)
		access.Path = access.Bearer
	}
	return access, keys
}

// openSource makes one receiver; path is where it is mounted.
func (s *Serve) openSource(ctx context.Context, src *config.Source, memory, strangers *push.Memory) (r source.Receiver, path string, err error) {
	if r := s.o.hands[src.Name]; r != nil {
		return r, "", nil
	}
	access, keys := credentials(src)
	switch {
	case src.SQS != nil:
		r, err = s.openSQS(ctx, src)
	case src.Push != nil:
		path = src.Push.Path
		var common push.Common
		if common, err = s.pushCommon(src.Name, memory, strangers); err == nil {
			common.Limits.Body = int64(src.Push.MaxBody)
			r, err = push.NewGeneric(push.GenericOptions{Common: common, Access: access, Webhook: keys, Both: src.Push.Both,
				Textual: decode.Textual})
		}
	case src.SNS != nil:
		path = src.SNS.Path
		var common push.Common
		if common, err = s.pushCommon(src.Name, memory, strangers); err == nil {
			if common.Resolve, err = s.resolver(ctx, src.SNS.S3); err == nil {
				r, err = push.NewSNS(push.SNSOptions{Common: common, Topics: src.SNS.Topics, Access: access, Private: prefixes(src.SNS.Private),
					Unsubscribed: func(topic string, at time.Time) { s.unsubscribed(src.Name, topic, at) }})
			}
		}
	case src.EventBridge != nil:
		path = src.EventBridge.Path
		var common push.Common
		if common, err = s.pushCommon(src.Name, memory, strangers); err == nil {
			if common.Resolve, err = s.resolver(ctx, src.EventBridge.S3); err == nil {
				r, err = push.NewEventBridge(push.EventBridgeOptions{Common: common, Access: access})
			}
		}
	case src.Falco != nil:
		path = src.Falco.Path
		var common push.Common
		if common, err = s.pushCommon(src.Name, memory, strangers); err == nil {
			r, err = push.NewFalco(push.FalcoOptions{Common: common, Access: access})
		}
	default:
		r, err = s.openPulled(ctx, src)
	}
	return r, path, err
}

// unsubscribedRule is the rule of findings about a topic that sends no more.
var unsubscribedRule = yagura.RuleRef{ID: "yagura-topic-unsubscribed", Title: "The subscription of a topic was ended", Engine: yagura.EngineBuiltin, Tags: []string{}}

// unsubscribed raises the finding about a subscription that somebody ended.
func (s *Serve) unsubscribed(source, topic string, at time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := s.take(ctx, builtinFinding(unsubscribedRule, yagura.SeverityHigh, source+"/"+topic+"/"+at.UTC().Format(time.RFC3339), "source="+source+" topic="+topic,
		fmt.Sprintf("nothing comes from topic %s any more: its subscription to source %s was ended", topic, source), at))
	if err != nil {
		s.log.Error("a finding about a subscription could not be filed", "source", source, "topic", topic, "error", err)
	}
}

func reveal(list []config.Secret) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.Reveal())
	}
	return out
}

// pushCommon is what all endpoints have: a log of what was received. With PostgreSQL it is a
// table that all replicas share, with SQLite files of this process.
func (s *Serve) pushCommon(name string, memory, strangers *push.Memory) (push.Common, error) {
	c := push.Common{Name: name, Memory: memory, Strangers: strangers, Logger: s.log, Now: s.o.Now}
	if s.db.Dialect() == "postgres" {
		c.Log = &tableLog{db: s.db, source: name, owner: s.db.Replica(), now: s.o.Now}
		return c, nil
	}
	log, err := push.OpenFileLog(push.FileLogOptions{Dir: filepath.Join(s.o.Config.Data, "received", name), Now: s.o.Now, Logger: s.log})
	c.Log = log
	return c, err
}

func awsOptions(a config.AWS) s3.Options {
	return s3.Options{Region: a.Region, Endpoint: a.Endpoint, AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey.Reveal(), SessionToken: a.SessionToken.Reveal()}
}

func awsRole(a config.AWS) s3.Role { return s3.Role{ARN: a.Role, ExternalID: a.ExternalID.Reveal()} }

// objectStore opens the objects that messages name.
func (s *Serve) objectStore(ctx context.Context, a config.AWS) (*s3.Store, error) {
	o := s3.StoreOptions{Options: awsOptions(a)}
	if a.Role != "" {
		o.Roles = []s3.Role{awsRole(a)}
	}
	return s3.NewStore(ctx, o)
}

func (s *Serve) openSQS(ctx context.Context, src *config.Source) (source.Receiver, error) {
	objects := src.SQS.S3
	if objects == (config.AWS{}) {
		objects = src.SQS.AWS
		objects.Endpoint = ""
	}
	store, err := s.objectStore(ctx, objects)
	if err != nil {
		return nil, err
	}
	s.countStore(src.Name, store)
	return sqs.New(ctx, sqs.Options{Name: src.Name, Textual: decode.Textual, Queue: src.SQS.Queue, AWS: awsOptions(src.SQS.AWS), Role: awsRole(src.SQS.AWS), Store: store,
		Include: src.SQS.Include, Exclude: src.SQS.Exclude, Pollers: src.SQS.Pollers, Now: s.o.Now, Log: s.log})
}

// resolver finds the S3 objects that a pushed message names.
func (s *Serve) resolver(ctx context.Context, a config.AWS) (push.Resolve, error) {
	store, err := s.objectStore(ctx, a)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, body []byte) ([]source.Object, bool, error) {
		p, err := sqs.Parse(body, true)
		switch {
		case err != nil:
			return nil, true, err
		case p.Record != nil:
			return nil, false, nil
		}
		var out []source.Object
		for _, ref := range p.Refs {
			out = append(out, store.Object(ref))
		}
		return out, true, nil
	}, nil
}

// openPulled makes the receivers that look for themselves.
func (s *Serve) openPulled(ctx context.Context, src *config.Source) (source.Receiver, error) {
	switch {
	case src.Bucket != nil:
		o, err := s.listingOptions(ctx, src.Name, src.Bucket)
		if err != nil {
			return nil, err
		}
		o.Cursor, o.Known = stateCursor{s.db, "cursor/" + src.Name}, s.known(src.Name)
		return s3.NewListing(o)
	case src.Folder != nil:
		o := file.WatchOptions{Name: src.Name, Paths: src.Folder.Paths, Cursor: stateCursor{s.db, "cursor/" + src.Name}, Known: s.known(src.Name), Now: s.o.Now, Log: s.log}
		word, to, _ := strings.Cut(src.Folder.After, ":")
		switch word {
		case "", "keep":
		case "delete":
			o.After = file.AfterDelete
		case "move":
			o.After, o.MoveTo = file.AfterMove, to
		default:
			return nil, fmt.Errorf("after: %q (hint: keep, delete or move:FOLDER)", src.Folder.After)
		}
		return file.NewWatch(o)
	}
	return nil, errors.New("a kind of source that is not known")
}

// listingOptions say what of a bucket is listed, and as whom.
func (s *Serve) listingOptions(ctx context.Context, name string, b *config.BucketSource) (o s3.ListingOptions, err error) {
	objects, err := s.objectStore(ctx, b.AWS)
	if err != nil {
		return o, err
	}
	s.countStore(name, objects)
	o = s3.ListingOptions{Name: name, Address: b.URL, Store: objects, Accounts: b.Accounts, Regions: b.Regions, Every: time.Duration(b.Every), Now: s.o.Now, Log: s.log}
	for _, d := range []struct {
		text string
		to   *time.Time
	}{{b.From, &o.From}, {b.To, &o.To}} {
		if d.text == "" {
			continue
		}
		if *d.to, err = time.Parse(time.DateOnly, d.text); err != nil {
			return o, fmt.Errorf("%q is no day (hint: 2026-03-14)", d.text)
		}
	}
	return o, nil
}

// known says which objects were delivered already.
func (s *Serve) known(name string) func(ctx context.Context, objects []source.Object) ([]bool, error) {
	return func(ctx context.Context, objects []source.Object) ([]bool, error) {
		ids := make([]string, len(objects))
		for i := range objects {
			ids[i] = objects[i].Identity()
		}
		out := make([]bool, len(objects))
		err := s.db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
			rows, err := tx.Deliveries(ctx, name, ids)
			for i, id := range ids {
				out[i] = !rows[id].Done.IsZero()
			}
			return err
		})
		return out, err
	}
}

// stateCursor keeps a cursor in the store.
type stateCursor struct {
	db  *store.DB
	key string
}

// Load returns what was saved last.
func (c stateCursor) Load(ctx context.Context) (data []byte, err error) {
	err = c.db.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		data, _, err = tx.State(ctx, c.key)
		return err
	})
	return data, err
}

// Save replaces it.
func (c stateCursor) Save(ctx context.Context, state []byte) error {
	return c.db.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.PutState(ctx, c.key, state) })
}
