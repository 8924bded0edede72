package idptest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// within is how long a provider may take to start.
const within = 60 * time.Second

// IDP is a provider that runs.
type IDP struct {
	// Says is what the provider said of itself when it was ready.
	Says map[string]string
	out  *output
}

// output keeps what a provider writes, for the test that fails.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write keeps the first part of what is written.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b.Len() < 64<<10 {
		o.b.Write(p)
	}
	return len(p), nil
}

// Log returns what the provider wrote.
func (i *IDP) Log() string {
	i.out.mu.Lock()
	defer i.out.mu.Unlock()
	return i.out.b.String()
}

// Start starts one of the scripts of this folder with options, and ends it with the test.
func Start(t *testing.T, script string, options map[string]any) *IDP {
	t.Helper()
	missing := func(why string) {
		t.Helper()
		if os.Getenv("YAGURA_TEST_REQUIRE_IDP") != "" {
			t.Fatalf("%s, and YAGURA_TEST_REQUIRE_IDP is set", why)
		}
		t.Skipf("%s: the independent identity providers are not tried (hint: make test installs them)", why)
	}
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("where is this file?")
	}
	dir := filepath.Dir(here)
	node, err := exec.LookPath("node")
	if err != nil {
		missing("there is no node")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider")); err != nil {
		missing("npm ci was not run in auth/idptest")
	}
	if options == nil {
		options = map[string]any{}
	}
	given, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(dir, script))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_ENV=test", "NODE_NO_WARNINGS=1", "IDP_OPTIONS="+string(given))
	// The provider ends when its input does: also when this process is killed.
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &IDP{out: &output{}}
	cmd.Stderr = p.out
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan map[string]string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "READY "); ok {
				var says map[string]string
				if json.Unmarshal([]byte(text), &says) == nil {
					ready <- says
				}
				continue
			}
			_, _ = p.out.Write(append(lines.Bytes(), '\n'))
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		<-read
		_ = cmd.Wait()
		if t.Failed() && p.Log() != "" {
			t.Logf("%s wrote:\n%s", script, p.Log())
		}
	})
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	select {
	case p.Says = <-ready:
	case <-read:
		t.Fatalf("%s ended before it was ready:\n%s", script, p.Log())
	case <-timeout.C:
		t.Fatalf("%s was not ready within %s:\n%s", script, within, p.Log())
	}
	return p
}
