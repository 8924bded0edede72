//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// lockDir takes the lock of the process that serves. The kernel gives it back when the
// process ends, however it ends.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		who := make([]byte, 32)
		n, _ := f.ReadAt(who, 0)
		f.Close() //nolint:errcheck // nothing was written
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w (process %s; hint: stop it, or use PostgreSQL for several replicas)", ErrServed, strings.TrimSpace(string(who[:n])))
		}
		return nil, fmt.Errorf("%s: lock: %w", path, err)
	}
	// Who has it is for people; the lock does not need it.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return f, nil
}

// line is where processes that write to one SQLite directory see that others wait:
// whoever waits for its turn holds the file by a shared lock.
type line struct{ f *os.File }

func openLine(path string) (*line, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &line{f}, nil
}

func (l *line) close() error { return l.f.Close() }

// others says whether another process waits.
func (l *line) others() bool {
	if unix.Flock(int(l.f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return true
	}
	l.leave()
	return false
}

// enter and leave say that this process waits, and that it waits no more. They are
// courtesy: SQLite's own lock decides.
func (l *line) enter() { _ = unix.Flock(int(l.f.Fd()), unix.LOCK_SH|unix.LOCK_NB) }
func (l *line) leave() { _ = unix.Flock(int(l.f.Fd()), unix.LOCK_UN) }
