//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/notify/cloudwatch/cloudwatchtest"
	"github.com/yagura-sec/yagura/notify/github/githubtest"
	"github.com/yagura-sec/yagura/notify/pagerduty/pagerdutytest"
	"github.com/yagura-sec/yagura/notify/securityhub/securityhubtest"
	"github.com/yagura-sec/yagura/notify/slack/slacktest"
	"github.com/yagura-sec/yagura/notify/webhook/webhooktest"
	"github.com/yagura-sec/yagura/source/sourcetest"
	"github.com/yagura-sec/yagura/store"
)

const (
	labBucket  = "trail-logs"
	labRepo    = "acme/security"
	labToken   = "ghp_secret0123456789"
	labRouting = "R0123456789abcdef0123456789abcde"
	labPush    = "0123456789abcdef0123456789abcdef"
	labHook    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// lab is the world around the processes under test: a queue, a bucket, and sinks that
// refuse what the real ones refuse. It lives on when a process is killed.
type lab struct {
	t       *testing.T
	dir     string
	sqs     *sourcetest.SQS
	queue   string
	objects *s3mem.Backend
	s3      *httptest.Server
	gh      *githubtest.Server
	pd      *pagerdutytest.Server
	slack   *slacktest.Server
	channel string
	hook    *webhooktest.Server
	hub     *securityhubtest.Server
	logs    *cloudwatchtest.Server // nil: there is no such sink
	rules   []string
	store   string // a URL of PostgreSQL, "" for SQLite
	sinks   bool
	late    time.Duration
	listen  string   // where replicas listen
	loop    bool     // the only sink is our own endpoint
	only    string   // the only sink is a webhook there
	ids     []string // of the messages
	procs   []*process
}

func newLab(t *testing.T, sinks bool) *lab {
	l := &lab{t: t, dir: t.TempDir(), objects: s3mem.New(), sinks: sinks, late: 10 * time.Minute, listen: "127.0.0.1:0", rules: []string{"shipped"}}
	l.sqs = sourcetest.NewSQS(t, sourcetest.Wall{})
	l.queue = l.sqs.Create("trail", "", 0)
	if err := l.objects.CreateBucket(labBucket); err != nil {
		t.Fatal(err)
	}
	l.s3 = httptest.NewServer(gofakes3.New(l.objects, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(l.s3.Close)
	l.gh = githubtest.New(t, githubtest.Options{ContentPerMinute: -1, ContentPerHour: -1, RequestsPerHour: -1})
	l.gh.AddRepo(labRepo, githubtest.Repo{Private: true})
	l.gh.AddToken(labToken, "yagura-bot")
	l.pd = pagerdutytest.New(labRouting)
	t.Cleanup(l.pd.Close)
	l.slack = slacktest.New()
	t.Cleanup(l.slack.Close)
	l.channel = l.slack.AddChannel("soc", true)
	l.hook = webhooktest.New(nil, webhooktest.CheckOCSF, labHook)
	l.hook.Start()
	t.Cleanup(l.hook.Close)
	l.hub = securityhubtest.New()
	t.Cleanup(l.hub.Close)
	return l
}

// replica is one process that may be started again and again over one folder.
func (l *lab) replica(n int) string { return filepath.Join(l.dir, fmt.Sprintf("data%d", n)) }

func (l *lab) configFile(n int) string { return filepath.Join(l.dir, fmt.Sprintf("yagura%d.yaml", n)) }

// configure writes the configuration of a replica.
func (l *lab) configure(n int) string {
	aws := func(endpoint, region string) string {
		return fmt.Sprintf("{region: %s, endpoint: %q, access_key_id: key, secret_access_key: secret}", region, endpoint)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "data: %q\naccept_loss: true\nlake: {flush: 200ms}\nstorm: 100000\nlateness: %s\nworkers: 2\n", l.replica(n), l.late)
	if l.store != "" {
		fmt.Fprintf(&b, "store: %q\n", l.store)
	}
	b.WriteString("rules:\n")
	for _, r := range l.rules {
		fmt.Fprintf(&b, "  - %q\n", r)
	}
	fmt.Fprintf(&b, "server: {listen: %q}\n", l.listen)
	fmt.Fprintf(&b, "sources:\n  - {name: trail, sqs: {queue: %q, aws: %s, s3: %s}}\n  - {name: pushed, push: {path: /in, tokens: [%q]}}\n",
		l.queue, aws(l.sqs.URL, "us-east-1"), aws(l.s3.URL, "us-east-1"), labPush)
	if l.loop {
		fmt.Fprintf(&b, "  - {name: back, push: {path: /back, secrets: [%q]}}\nsinks:\n  - {name: loop, webhook: {url: \"http://%s/back\", secrets: [%q], allow_http: true, allow_private: true}}\n",
			labHook, l.listen, labHook)
	}
	if l.only != "" {
		fmt.Fprintf(&b, "sinks:\n  - {name: hook, webhook: {url: %q, secrets: [%q], allow_http: true, allow_private: true}}\n", l.only, labHook)
	}
	if l.sinks {
		fmt.Fprintf(&b, "sinks:\n  - {name: github, github: {repository: %s, url: %q, token: %q, writes_per_minute: 100000, writes_per_hour: 1000000}}\n", labRepo, l.gh.URL, labToken)
		fmt.Fprintf(&b, "  - {name: pagerduty, pagerduty: {routing_key: %q, url: %q}}\n", labRouting, l.pd.Endpoint())
		fmt.Fprintf(&b, "  - {name: slack, slack: {token: %q, channel: %s, url: %q}}\n", l.slack.Token, l.channel, l.slack.API())
		fmt.Fprintf(&b, "  - {name: hook, webhook: {url: %q, secrets: [%q], allow_http: true, allow_private: true}}\n", l.hook.URL, labHook)
		fmt.Fprintf(&b, "  - {name: hub, securityhub: {aws: %s}}\n", aws(l.hub.URL, securityhubtest.Region))
		if l.logs != nil {
			fmt.Fprintf(&b, "  - {name: logs, cloudwatch: {group: %q, stream: yagura, aws: %s}}\n", labGroup, aws(l.logs.URL, "eu-west-1"))
		}
	}
	name := l.configFile(n)
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return name
}

// process is one `yagura serve`.
type process struct {
	cmd  *exec.Cmd
	addr string

	mu   sync.Mutex
	said bytes.Buffer
	gone chan struct{}
}

// start starts replica n and waits until it serves.
func (l *lab) start(n int) *process {
	l.t.Helper()
	cmd := exec.Command("yagura", "serve", "--config", l.configure(n), "--log-level", "info")
	cmd.Env = labEnviron()
	words, err := cmd.StderrPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	p := &process{cmd: cmd, gone: make(chan struct{})}
	ready := make(chan string, 1)
	go func() {
		defer close(p.gone)
		lines := bufio.NewScanner(words)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			var x struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &x) == nil && x.Msg == "serving" {
				ready <- x.Address
			}
			p.mu.Lock()
			p.said.Write(lines.Bytes())
			p.said.WriteByte('\n')
			p.mu.Unlock()
		}
	}()
	l.t.Cleanup(p.kill)
	select {
	case p.addr = <-ready:
	case <-p.gone:
		l.t.Fatalf("serve ended: %v\n%s", cmd.Wait(), p.words())
	case <-time.After(2 * time.Minute):
		l.t.Fatalf("serve never served\n%s", p.words())
	}
	for len(l.procs) <= n {
		l.procs = append(l.procs, nil)
	}
	l.procs[n] = p
	return p
}

func (p *process) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.gone
	_ = p.cmd.Wait()
}

// term asks a process to stop in order, and waits for it.
func (l *lab) term(n int) {
	l.t.Helper()
	p := l.procs[n]
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		l.t.Fatal(err)
	}
	select {
	case <-p.gone:
	case <-time.After(time.Minute):
		l.t.Errorf("replica %d does not stop\n%s", n, p.words())
		p.kill()
		return
	}
	if err := p.cmd.Wait(); err != nil {
		l.t.Errorf("replica %d: %v\n%s", n, err, p.words())
	}
}

// put stores an object.
func (l *lab) put(key string, body []byte) {
	l.t.Helper()
	if _, err := l.objects.PutObject(labBucket, key, nil, bytes.NewReader(body), int64(len(body)), nil); err != nil {
		l.t.Fatal(err)
	}
}

// announce sends the notice that objects are there.
func (l *lab) announce(keys ...string) {
	l.t.Helper()
	var records []json.RawMessage
	for _, key := range keys {
		var n struct{ Records []json.RawMessage }
		if err := json.Unmarshal([]byte(sourcetest.Notice(labBucket, key, "", 1)), &n); err != nil {
			l.t.Fatal(err)
		}
		records = append(records, n.Records...)
	}
	body, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		l.t.Fatal(err)
	}
	l.ids = append(l.ids, l.sqs.Send("trail", string(body)))
}

// redeliver has the leases of all messages end, as they do some time after a crash.
func (l *lab) redeliver() {
	for _, id := range l.ids {
		l.sqs.Redeliver("trail", id)
	}
}

// push posts records to a replica; false when it did not take them.
func (l *lab) push(addr string, body []byte) bool {
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/in", bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+labPush)
	req.Header.Set("Content-Type", "application/x-ndjson")
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // the status says it
	return resp.StatusCode == http.StatusOK
}

// books opens the store beside the processes.
func (l *lab) books() *app.Books {
	l.t.Helper()
	b, err := app.OpenBooks(context.Background(), &config.Config{Data: l.replica(0), Store: config.Secret(l.store), AcceptLoss: true}, store.ReadOnly, time.Now)
	if err != nil {
		l.t.Fatal(err)
	}
	return b
}

func (l *lab) ledger() *app.Ledger {
	l.t.Helper()
	b := l.books()
	defer b.DB.Close()
	got, err := b.Ledger(context.Background(), time.Now())
	if err != nil {
		l.t.Fatal(err)
	}
	return got
}

// until waits for what the processes do.
func (l *lab) until(what string, limit time.Duration, ok func() bool) {
	l.t.Helper()
	deadline := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(deadline) {
			led, _ := json.MarshalIndent(l.ledger(), "", " ")
			for _, p := range l.procs { // where they stand
				_ = p.cmd.Process.Signal(syscall.SIGQUIT) // it may have ended
				<-p.gone
				text := p.words()
				l.t.Logf("%s", text[:min(len(text), 60_000)])
			}
			l.t.Fatalf("never: %s\n%s", what, led)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// received waits until everything that was announced is judged, kept and acknowledged.
func (l *lab) received(limit time.Duration) {
	l.t.Helper()
	again := time.Now()
	l.until("all is acknowledged", limit, func() bool {
		if time.Since(again) > 20*time.Second { // an answer that was lost keeps its messages hidden for minutes
			l.redeliver()
			again = time.Now()
		}
		return len(l.sqs.Bodies("trail")) == 0
	})
	l.until("all is judged and kept", limit, func() bool {
		for _, s := range l.ledger().Sources {
			if s.Waiting != 0 || s.Objects != s.ObjectsDone {
				return false
			}
		}
		return true
	})
}

// delivered waits until nothing is owed.
func (l *lab) delivered(limit time.Duration) {
	l.t.Helper()
	l.until("nothing is owed", limit, func() bool {
		for _, s := range l.ledger().Sinks {
			if s.Waiting != 0 {
				return false
			}
		}
		return true
	})
}

// yagura runs a command to its end.
func (l *lab) yagura(args ...string) (stdout string, code int) {
	l.t.Helper()
	cmd := exec.Command("yagura", args...)
	cmd.Env = labEnviron()
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		l.t.Logf("yagura %s: %s", strings.Join(args, " "), words.String())
		return string(out), exit.ExitCode()
	} else if err != nil {
		l.t.Fatalf("%v", err)
	}
	return string(out), 0
}

// found are the findings of rules, by id, as one line each.
func (l *lab) found() map[string]string {
	l.t.Helper()
	b := l.books()
	defer b.DB.Close()
	out := map[string]string{}
	err := b.Since(time.Time{}).Filed(context.Background(), func(f yagura.Filed) error {
		if f.Finding.Rule.Engine != yagura.EngineBuiltin {
			out[f.Finding.ID] = findingLine(&f.Finding)
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

// findingLine is what must be the same of a finding, whatever way its events came.
func findingLine(f *yagura.Finding) string {
	events := slices.Sorted(slices.Values(f.Events))
	return fmt.Sprintf("%s [%s] %s %s %v", f.Rule.Title, f.Severity, f.CauseKey, f.Time.UTC().Format(time.RFC3339), events)
}

// issues are all issues of the store.
func (l *lab) issues() (out []yagura.Issue) {
	l.t.Helper()
	b := l.books()
	defer b.DB.Close()
	for after := ""; ; {
		var page []yagura.Issue
		err := b.DB.View(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
			page, after, err = tx.FindIssues(ctx, nil, true, nil, "", after, 1000)
			return err
		})
		if err != nil {
			l.t.Fatal(err)
		}
		out = append(out, page...)
		if after == "" {
			return out
		}
	}
}

// notices are all notices of one sink.
func (l *lab) notices(sink string) (out []yagura.Owed) {
	l.t.Helper()
	b := l.books()
	defer b.DB.Close()
	after := ""
	for {
		var page []yagura.Owed
		err := b.DB.View(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
			page, after, err = tx.Notices(ctx, sink, "", nil, after, 1000)
			return err
		})
		if err != nil {
			l.t.Fatal(err)
		}
		out = append(out, page...)
		if after == "" {
			return out
		}
	}
}

// labEnviron is the environment of the programs: ours, without what steers the tests.
func labEnviron() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "YAGURA_") || strings.HasPrefix(s, "AWS_") })
	return append(env, "AWS_EC2_METADATA_DISABLED=true", "LANG=C", "NO_COLOR=1")
}
