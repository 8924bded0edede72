package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the administrator's connection
)

// require names the environment variable that makes a missing PostgreSQL a failure.
const require = "YAGURA_TEST_REQUIRE_POSTGRES"

// errNotInstalled says that there is nothing to start.
var errNotInstalled = errors.New("PostgreSQL is not installed (no initdb in PATH or /usr/lib/postgresql/*/bin)")

// A Server is a private PostgreSQL server.
type Server struct {
	dir  string
	bin  string
	port int
	as   []string // the command that runs programs as a user who is not root
	made atomic.Int64
}

// one is the server of this test binary. It ends with the process: see watch.
var one = sync.OnceValues(start)

// Postgres returns the URL of a new, empty database on this test binary's own server. It
// skips the test where PostgreSQL is not installed, unless YAGURA_TEST_REQUIRE_POSTGRES
// is set: then the test fails.
func Postgres(t testing.TB) string {
	t.Helper()
	return TheServer(t).Database(t)
}

// TheServer returns the server that [Postgres] uses, for tests that stop and start it.
func TheServer(t testing.TB) *Server {
	t.Helper()
	s, err := one()
	if errors.Is(err, errNotInstalled) && os.Getenv(require) == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Start starts another server, which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	TheServer(t) // skips
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(t)
		os.RemoveAll(s.dir)
	})
	return s
}

// Database makes an empty database and returns its URL. It is dropped after the test.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d", s.made.Add(1))
	s.Exec(t, "CREATE DATABASE "+name+" ENCODING 'UTF8' TEMPLATE template0")
	t.Cleanup(func() { s.Exec(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return s.url(name)
}

// Port is where the server listens on the loopback.
func (s *Server) Port() int { return s.port }

func (s *Server) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("yagura"), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Exec runs a statement as the administrator.
func (s *Server) Exec(t testing.TB, q string) {
	t.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err == nil {
		_, err = db.ExecContext(context.Background(), q)
		db.Close()
	}
	if err != nil {
		t.Errorf("%s: %v", q, err)
	}
}

// Show returns a setting of the server.
func (s *Server) Show(t testing.TB, setting string) (value string) {
	t.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err == nil {
		err = db.QueryRowContext(context.Background(), "SELECT current_setting($1)", setting).Scan(&value)
		db.Close()
	}
	if err != nil {
		t.Errorf("show %s: %v", setting, err)
	}
	return value
}

// binaries returns the newest directory that has initdb and pg_ctl.
func binaries() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { // version 16 before 9
		n := func(s string) int { v, _ := strconv.Atoi(filepath.Base(filepath.Dir(s))); return v }
		return n(b) - n(a)
	})
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append([]string{filepath.Dir(p)}, dirs...)
		}
	}
	for _, d := range dirs {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(d, "pg_ctl")); err == nil {
			return d, nil
		}
	}
	return "", errNotInstalled
}

func start() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	if s.dir, err = os.MkdirTemp("", "yagura-pg-"); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		if err := s.becomeNobody(); err != nil {
			return nil, err
		}
	}
	if err := s.run("initdb", "-D", s.data(), "-U", "yagura", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return nil, err
	}
	// Tests crash the client, not the machine. It is in the file, so that ALTER SYSTEM can
	// change it.
	conf, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = conf.WriteString("\nfsync = off\nfull_page_writes = off\n")
		err = errors.Join(err, conf.Close())
	}
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		if s.port, err = freePort(); err != nil {
			return nil, err
		}
		if err = s.start(); err == nil {
			break
		} else if try == 3 {
			return nil, err
		}
	}
	return s, s.watch()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// becomeNobody hands the directory to a user who is not root, as whom PostgreSQL runs.
func (s *Server) becomeNobody() error {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
		if p, err := exec.LookPath("setpriv"); err == nil {
			s.as = []string{p, "--reuid", u.Uid, "--regid", u.Gid, "--clear-groups", "--"}
			return nil
		}
		if p, err := exec.LookPath("runuser"); err == nil {
			s.as = []string{p, "-u", name, "--"}
			return nil
		}
	}
	return errors.New("PostgreSQL does not run as root, and there is no other user to run it as (hint: install util-linux)")
}

func (s *Server) run(program string, args ...string) error {
	argv := append(slices.Clone(s.as), filepath.Join(s.bin, program))
	argv = append(argv, args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=" + s.dir}
	// The server inherits the output: a file, so that nobody waits for its end.
	log, err := os.OpenFile(filepath.Join(s.dir, program+".log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		server, _ := os.ReadFile(filepath.Join(s.dir, "server.log"))
		return fmt.Errorf("%s: %w\n%s\n%s", program, err, bytes.TrimSpace(text), bytes.TrimSpace(server))
	}
	return nil
}

func (s *Server) start() error {
	options := []string{
		"-c listen_addresses=127.0.0.1", "-c port=" + strconv.Itoa(s.port), "-c unix_socket_directories=''",
		"-c max_connections=200", "-c shared_buffers=64MB", "-c deadlock_timeout=200ms", "-c log_min_messages=fatal",
	}
	return s.run("pg_ctl", "-D", s.data(), "-l", filepath.Join(s.dir, "server.log"), "-w", "-t", "60", "-o", strings.Join(options, " "), "start")
}

// Stop stops the server at once, as a crash would.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.run("pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop"); err != nil {
		t.Errorf("stop PostgreSQL: %v", err)
	}
}

// Restart starts the server again after Stop.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
}

// watch leaves a process behind that stops the server and removes its directory when this
// process has ended, however it ended: it waits for the end of a pipe.
func (s *Server) watch() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	script := `trap '' INT TERM HUP; cat >/dev/null; cd /; "$@" -D "$DATA" -m immediate -w stop >/dev/null 2>&1; rm -rf "$DIR"`
	cmd := exec.Command("sh", append(append([]string{"-c", script, "sh"}, s.as...), filepath.Join(s.bin, "pg_ctl"))...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "DATA=" + s.data(), "DIR=" + s.dir}
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return err
	}
	r.Close()
	go func() {
		_ = cmd.Wait()
		runtime.KeepAlive(w) // closed by the system when the process ends
	}()
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Wait polls until ok, for what another process does.
func Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
