//go:build !unix

package blob

import (
	"io/fs"
	"os"
)

// An open file keeps its name, which protects it as well as a lock would.
const removeOpen = false

func tryLock(_ *os.File, _ bool) (bool, error) { return true, nil }

func allocated(info fs.FileInfo) int64 { return info.Size() }
