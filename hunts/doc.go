// Package hunts holds the hunts that come with the program, one YAML file each, as
// hunt.Saved says. A file has the name of its hunt.
//
// It is data: reading it is the business of the room hunt.
//
//	list, err := hunt.ReadAll(hunts.FS, "hunts", true)
package hunts

import "embed"

// FS has the files.
//
//go:embed *.yaml
var FS embed.FS
