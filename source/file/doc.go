// Package file is the source of files, folders and standard input.
//
// A folder is walked whole and sorted by name. Hidden files and folders (a leading
// dot) inside it are passed over. Symbolic links are followed, and whatever links there
// are, each file is read once: what stands under a folder that is named is read at its own
// place. A path that is named is always read, hidden or not, and twice when it is named
// twice. Only regular files are opened inside folders; a named pipe is read when it
// is named.
//
// A worked example:
//
//	src := file.New(file.Options{Stdin: os.Stdin}, "trail/", "-")
//	for obj, err := range src.Objects(ctx) { … }
package file
