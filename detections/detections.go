package detections

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/yagura-sec/yagura/rule"
)

//go:embed aws entra gcp github kubernetes okta
var files embed.FS

// Files returns the rule files in the order of their paths. Their paths start with
// "detections/", as in the repository.
func Files() ([]rule.File, error) { return read("rule.yml") }

// Tests returns the test.yml files, named as those of [Files] are.
func Tests() ([]rule.File, error) { return read("test.yml") }

func read(name string) ([]rule.File, error) {
	var out []rule.File
	err := fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(p) != name {
			return err
		}
		data, err := files.ReadFile(p)
		if err != nil {
			return err
		}
		out = append(out, rule.File{Path: "detections/" + p, Data: data})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read shipped detections: %w", err)
	}
	return out, nil
}

// Folder returns the vendor and name of a shipped rule by its file, or "" when the
// file is not of this room.
func Folder(file string) (vendor, name string) {
	parts := strings.Split(file, "/")
	if len(parts) != 4 || parts[0] != "detections" {
		return "", ""
	}
	return parts[1], parts[2]
}
