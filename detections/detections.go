package detections

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/yagura-sec/yagura/rule"
)

//go:embed aws azure bitbucket cross duo entra gcp github kubernetes m365 okta onelogin slack workspace
var files embed.FS

// trees holds the rule files parsed, as rule/sigma's Tree writes them, so that a start does
// not read YAML: compressed, for each file its path, the hash of its text, and its tree, each
// with its length before it. `go test ./detections -run TestTrees -update` writes it; a file
// that changed since is read as any other.
//
//go:embed trees.zst
var trees []byte

// Files returns the rule files in the order of their paths. Their paths start with
// "detections/", as in the repository.
func Files() ([]rule.File, error) {
	out, err := read(files, "rule.yml")
	if err != nil {
		return nil, err
	}
	known, err := readTrees(trees)
	if err != nil {
		return nil, fmt.Errorf("read shipped detections: %w", err)
	}
	for i := range out {
		if t, ok := known[out[i].Path]; ok && t.hash == xxhash.Sum64(out[i].Data) {
			out[i].Tree = t.tree
		}
	}
	return out, nil
}

//go:embed unusual/*.yaml
var unusual embed.FS

// Unusual returns the files of the pack of rules about what is unusual. They run on a schedule
// over the lake, and are loaded where the word unusual stands among rules.
func Unusual() ([]rule.File, error) { return read(unusual, "*.yaml") }

// Tests returns the test.yml files, named as those of [Files] are.
func Tests() ([]rule.File, error) { return read(files, "test.yml") }

// read returns the files whose names match a pattern, in the order of their paths.
func read(from embed.FS, pattern string) ([]rule.File, error) {
	var out []rule.File
	err := fs.WalkDir(from, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ok, err := path.Match(pattern, d.Name()); err != nil || !ok {
			return err
		}
		data, err := from.ReadFile(p)
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

// Placeholders are those that shipped rules read, with values of the kind that they have: a
// rule waits until its placeholders have values, and its tests use these. What each is for
// stands in docs/sigma.md.
func Placeholders() map[string][]string {
	return map[string][]string{
		"pipeline_identities": {"arn:aws:iam::*:role/deploy", "deploy@example-prod.iam.gserviceaccount.com", "00000000-0000-4000-8000-0000000000d1"},
		"pipeline_accounts":   {"111122223333", "example-*", "00000000-0000-4000-8000-000000000001"},
		"allowed_networks":    {"198.51.100.0/24", "2001:db8::/32"},
	}
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
