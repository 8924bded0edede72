package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"
)

// checkFilesystem refuses a path, with links followed, on a file system where SQLite's
// files do not last. A path that is not there yet is fine: its directory is asked too.
func checkFilesystem(path string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%s: which file system: %w", path, err)
	}
	name := unix.ByteSliceToString(st.Fstypename[:])
	if slices.Contains([]string{"nfs", "smbfs", "afpfs", "webdav", "macfuse", "osxfuse", "tmpfs"}, name) {
		return fmt.Errorf("%s is on %s: SQLite's commits are not safe there (hint: use a local disk, or PostgreSQL; --i-accept-loss for a demonstration)", path, name)
	}
	return nil
}
