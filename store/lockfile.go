package store

import "io"

// LockFile takes a lock that the kernel gives back when the process ends, however it ends.
// The error wraps [ErrServed] when another process has it.
func LockFile(path string) (io.Closer, error) {
	f, err := lockDir(path)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// FileName is the name of the SQLite database in its folder.
const FileName = sqliteFile
