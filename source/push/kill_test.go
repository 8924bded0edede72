package push

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain is the process that is killed when the test asks for it.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PUSH_TEST_DIR"); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// victim serves an endpoint, and judges: it notes what it has judged in a file and then
// acknowledges it.
func victim(dir string) error {
	log, err := OpenFileLog(FileLogOptions{Dir: filepath.Join(dir, "received"), FileBytes: 64 << 10})
	if err != nil {
		return err
	}
	e, err := NewGeneric(GenericOptions{Common: Common{Name: "victim", Log: log}, Access: Access{Bearer: []string{token}}})
	if err != nil {
		return err
	}
	judged, err := os.OpenFile(filepath.Join(dir, "judged"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	go func() {
		for {
			list, err := e.Receive(context.Background())
			if err != nil {
				return
			}
			for _, m := range list {
				r, err := m.Objects[0].Open(context.Background())
				if err != nil {
					return
				}
				b, _ := io.ReadAll(r)
				if rand.IntN(4) == 0 {
					continue // still at work when the end comes
				}
				if _, err := judged.Write(append(bytes.TrimSpace(b), '\n')); err != nil {
					return
				}
				if err := e.Ack(context.Background(), m); err != nil {
					return
				}
			}
		}
	}()
	s := &http.Server{Handler: e, ReadHeaderTimeout: time.Second}
	l, err := listen()
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return s.Serve(l)
}

func listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// TestKill sends from many senders, kills the process at a random moment and starts it
// again, ten times: what was answered is judged or waits, and what waits is handed out.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a few seconds")
	}
	dir := t.TempDir()
	var mu sync.Mutex
	answered := map[string]bool{}
	sent := map[string]bool{}
	for round := range 10 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "PUSH_TEST_DIR="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var addr string
		if _, err := fmt.Fscanln(out, &addr); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for sender := range 16 {
			wg.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					body := fmt.Sprintf(`{"r":%d,"s":%d,"n":%d,"x":"%s"}`, round, sender, n, strings.Repeat("x", n%700))
					req, err := http.NewRequestWithContext(ctx, "POST", "http://"+addr+"/in", strings.NewReader(body))
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Authorization", auth)
					if sender%2 == 0 {
						req.Header.Set("Webhook-Id", fmt.Sprintf("%d-%d-%d", round, sender, n))
					}
					mu.Lock()
					sent[body] = true
					mu.Unlock()
					resp, err := http.DefaultClient.Do(req)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode == 200 {
						mu.Lock()
						answered[body] = true
						mu.Unlock()
					}
				}
			})
		}
		time.Sleep(time.Duration(50+rand.IntN(150)) * time.Millisecond) // the moment of the kill
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cancel()
		wg.Wait()
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process was not killed")
		}
	}
	found := map[string]bool{}
	judged, err := os.ReadFile(filepath.Join(dir, "judged"))
	if err != nil {
		t.Fatal(err)
	}
	note := func(lines string) (twice int) {
		for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
			if !sent[line] {
				t.Fatalf("nobody sent %.80q", line)
			}
			if found[line] {
				twice++
			}
			found[line] = true
		}
		return twice
	}
	again := note(string(judged))
	log := openLog(t, FileLogOptions{Dir: filepath.Join(dir, "received")})
	waiting := 0
	for {
		rows, err := log.Lease(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			_, payload, err := openMessage(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			again += note(string(payload))
			waiting++
		}
	}
	for body := range answered {
		if !found[body] {
			t.Errorf("answered and lost: %s", body)
		}
	}
	// What was judged and not yet acknowledged when the kill came is judged again: one
	// message a round at most.
	if again > 10*gatherCount {
		t.Errorf("%d came again", again)
	}
	if len(answered) < 100 {
		t.Errorf("only %d requests were answered", len(answered))
	}
	t.Logf("%d answered, %d sent, %d judged or waiting, %d objects wait, %d judged more than once", len(answered), len(sent), len(found), waiting, again)
}
