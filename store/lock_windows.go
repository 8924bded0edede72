package store

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// lockDir takes the lock of the process that serves. The system gives it back when the
// process ends, however it ends.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, fmt.Errorf("%w (hint: stop it, or use PostgreSQL for several replicas)", ErrServed)
	}
	return nil, fmt.Errorf("%s: lock: %w", path, err)
}

// line is where processes that write to one SQLite directory see that others wait. Here
// they do not: SQLite's own lock alone decides.
type line struct{}

func openLine(string) (*line, error) { return &line{}, nil }
func (*line) close() error           { return nil }
func (*line) others() bool           { return false }
func (*line) enter()                 {}
func (*line) leave()                 {}
