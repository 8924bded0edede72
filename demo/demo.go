package demo

import (
	"embed"
	"io/fs"
)

//go:embed logs
var logs embed.FS

// Logs returns the folder of the sample logs.
func Logs() fs.FS {
	sub, err := fs.Sub(logs, "logs")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
