package app

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/hunt"
	huntpack "github.com/yagura-sec/yagura/hunts"
)

// HuntsDir is where a team's own hunts are.
func HuntsDir(cfg *config.Config) string { return filepath.Join(cfg.Data, "hunts") }

// AllHunts are the shipped hunts and the team's own; one of the team goes before a
// shipped one of the same name.
func AllHunts(cfg *config.Config) ([]*hunt.Saved, error) {
	shipped, err := hunt.ReadAll(huntpack.FS, "hunts", true)
	if cfg.Data == "" {
		return shipped, err
	}
	own, ownErr := hunt.ReadAll(os.DirFS(HuntsDir(cfg)), HuntsDir(cfg), false)
	for _, s := range shipped {
		if !slices.ContainsFunc(own, func(o *hunt.Saved) bool { return o.Name == s.Name }) {
			own = append(own, s)
		}
	}
	slices.SortFunc(own, func(a, b *hunt.Saved) int { return strings.Compare(a.Name, b.Name) })
	return own, errors.Join(err, ownErr)
}

// SavedHunt finds a hunt by its name; nil where there is none. A file that is wrong
// is an error only for its own name.
func SavedHunt(cfg *config.Config, name string) (*hunt.Saved, error) {
	list, err := AllHunts(cfg)
	for _, s := range list {
		if s.Name == name {
			return s, nil
		}
	}
	if err != nil && strings.Contains(err.Error(), string(filepath.Separator)+name+".y") {
		return nil, err
	}
	return nil, nil
}

// SaveHunt writes a hunt of the team's own.
func SaveHunt(cfg *config.Config, s *hunt.Saved) (path string, err error) {
	return s.Write(HuntsDir(cfg))
}

// DeleteHunt takes a hunt of the team's own away; the error is fs.ErrNotExist where there is
// none.
func DeleteHunt(cfg *config.Config, name string) error {
	if err := hunt.CheckName(name); err != nil {
		return err
	}
	for _, ext := range []string{".yaml", ".yml"} {
		err := os.Remove(filepath.Join(HuntsDir(cfg), name+ext))
		if err == nil || !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.ErrNotExist
}
