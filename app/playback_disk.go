package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/yagura-sec/yagura/segment"
)

// unsynced is a file system that brings nothing to the disk by itself. Who writes through it
// calls [syncTree] at the end, and throws everything away where that was not reached.
type unsynced struct{ segment.FS }

// OpenFile opens a file whose Sync does nothing.
func (u unsynced) OpenFile(name string, flag int, perm fs.FileMode) (segment.File, error) {
	f, err := u.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

// SyncDir does nothing.
func (unsynced) SyncDir(string) error { return nil }

type unsyncedFile struct{ segment.File }

// Sync does nothing.
func (unsyncedFile) Sync() error { return nil }

// syncTree brings a folder to the disk, with all that is in it.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return segment.OS.SyncDir(path)
		case !d.Type().IsRegular():
			return nil
		}
		return syncFile(path)
	})
}

// syncFile brings one file to the disk.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
