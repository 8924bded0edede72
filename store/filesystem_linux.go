package store

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// unsafeFilesystems are those on which a commit of SQLite does not last or its locks do
// not hold, by the magic number of statfs(2).
var unsafeFilesystems = map[uint32]string{
	0x00006969: "NFS",
	0x0000517b: "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x65735546: "FUSE",
	0x794c7630: "overlay",
	0x01021994: "tmpfs (memory)",
	0x858458f6: "ramfs (memory)",
	0x01021997: "9p",
	0x5346414f: "AFS",
	0x00c36400: "Ceph",
	0x0bd00bd0: "Lustre",
	0x786f4256: "a shared folder of VirtualBox",
	0xbacbacbc: "a shared folder of VMware",
}

// checkFilesystem refuses a path, with links followed, on a file system where SQLite's
// files do not last. A path that is not there yet is fine: its directory is asked too.
func checkFilesystem(path string) error {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: which file system: %w", path, err)
		}
		break
	}
	if name := unsafeFilesystems[uint32(st.Type)]; name != "" {
		return fmt.Errorf("%s is on %s: SQLite's commits are not safe there (hint: use a local disk or a mounted volume, or PostgreSQL; --i-accept-loss for a demonstration)", path, name)
	}
	return nil
}
