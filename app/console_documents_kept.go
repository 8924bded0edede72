package app

import (
	"os"
	"path/filepath"
	"sync"
	"time"
)

// documentSettles is how old a change of a file must be for its text to be kept: what is written
// twice within the clock's grain of a file system looks as if it were written once.
const documentSettles = 2 * time.Second

// keptDocuments are the documents as they were read last, so that a list, and a search at every
// key that is typed, looks at the files and reads only those that changed. It holds at most what
// a list may look at: see documentsRead.
type keptDocuments struct {
	mu       sync.Mutex
	files    map[string]keptDocument // by path
	of       *generation             // whose rules the runbooks are of
	runbooks []writtenDocument
}

// keptDocument is a document and the file that it was read from.
type keptDocument struct {
	writtenDocument
	info os.FileInfo
}

// now returns the document as the file is now, which is read where it is another one than it
// was, or was changed.
func (k keptDocument) now(root *os.Root, p string) (keptDocument, error) {
	if k.info != nil {
		info, err := root.Stat(filepath.FromSlash(p))
		if err == nil && os.SameFile(info, k.info) && info.ModTime().Equal(k.info.ModTime()) && info.Size() == k.info.Size() {
			return k, nil
		}
	}
	return readDocument(root, p)
}
