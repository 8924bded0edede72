// Package file is the source of files, folders and standard input.
//
// A folder is walked whole and sorted by name. Hidden files and folders (a leading
// dot) inside it are passed over, symbolic links are followed, and a folder that a
// link leads back into is walked once. A path that is named is always read, hidden
// or not. Only regular files are opened inside folders; a named pipe is read when it
// is named.
//
// A worked example:
//
//	src := file.New(file.Options{Stdin: os.Stdin}, "trail/", "-")
//	for obj, err := range src.Objects(ctx) { … }
package file
