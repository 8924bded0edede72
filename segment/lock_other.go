//go:build solaris || !(unix || windows)

package segment

import (
	"errors"
	"os"
)

func lockFile(*os.File) error {
	return errors.New("this system has no lock that ends with the process")
}

func syncDir(f *os.File) error { return f.Sync() }
