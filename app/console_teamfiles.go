package app

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/triage"
)

// RegistryFile is the file of the registry of accounts: that of the configuration, or the one
// that was written in the console; "" for none.
func RegistryFile(cfg *config.Config) string {
	if cfg.Registry != "" || cfg.Data == "" {
		return cfg.Registry
	}
	if own := filepath.Join(cfg.Data, "registry.yaml"); isFile(own) {
		return own
	}
	return ""
}

// NotificationsFile is where the console writes how people are told, over the configuration.
func NotificationsFile(data string) string { return filepath.Join(data, "notifications.yaml") }

// WithNotifications is a configuration with what was written in the console of how people are
// told.
func WithNotifications(cfg *config.Config) (*config.Config, error) {
	file := NotificationsFile(cfg.Data)
	if cfg.Data == "" || !isFile(file) {
		return cfg, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	n, faults := config.ParseNotifications(file, data)
	var errs []error
	for _, f := range faults {
		errs = append(errs, f)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	now := *cfg
	n.Over(&now)
	return &now, nil
}

// consoleTeamFiles shows and writes what a team says of its accounts and of how people are told.
type consoleTeamFiles struct{ s *Serve }

var _ api.TeamFiles = (*consoleTeamFiles)(nil)

// teamFile is a kind of file: where it stands, what one begins with, and how it is checked.
type teamFile struct {
	path  func(*config.Config) string
	text  string
	check func(name, text string) []api.TeamFileProblem
}

// mostTeamFile bounds the text of a file; the registry of some thousand accounts has a tenth.
const mostTeamFile = 2 << 20

var teamFiles = map[string]teamFile{
	"accounts": {
		path: func(cfg *config.Config) string {
			return cmp.Or(RegistryFile(cfg), filepath.Join(cfg.Data, "registry.yaml"))
		},
		text: `# The registry of accounts: docs/accounts.md
#
# organisation: Example
# accounts:
#   "111122223333":
#     name: shop
#     cloud: aws
#     owner: platform
#     environment: prod
#     channel: "#sec-shop"
# patterns:
#   - {match: "sandbox-*", environment: dev, owner: research, listed: true}
`,
		check: func(name, text string) []api.TeamFileProblem {
			_, problems := triage.ParseAccounts(name, []byte(text))
			out := []api.TeamFileProblem{}
			for i, f := range problemFaults(problems) {
				out = append(out, api.TeamFileProblem{Fault: f, Warning: problems[i].Warning})
			}
			return out
		},
	},
	"notifications": {
		path: func(cfg *config.Config) string { return NotificationsFile(cfg.Data) },
		text: `# How people are told. What stands here holds over the configuration; what does
# not is as the configuration says. Who is told of what is said by the policy.
#
# digest: "08:30"        # time of day of the daily list; "" sends none
# storm: 60              # new issues a minute that are told one by one
# targets:               # how soon issues of a level are taken on, and closed
#   critical: {acknowledge: 15m, close: 1d}
#   high: {acknowledge: 1h, close: 3d}
`,
		check: func(name, text string) []api.TeamFileProblem {
			_, faults := config.ParseNotifications(name, []byte(text))
			out := []api.TeamFileProblem{}
			for _, f := range faults {
				line, column := f.Place()
				out = append(out, api.TeamFileProblem{Fault: api.Fault{Line: line, Column: column, Reason: f.Reason, Hint: f.Hint}})
			}
			return out
		},
	},
}

func (c *consoleTeamFiles) kind(name string) (teamFile, string, error) {
	k, ok := teamFiles[name]
	if !ok {
		return k, "", api.NotFound
	}
	return k, k.path(c.s.config.Load()), nil
}

// TeamFile implements [api.TeamFiles].
func (c *consoleTeamFiles) TeamFile(_ context.Context, name string) (*api.TeamFile, error) {
	k, file, err := c.kind(name)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &api.TeamFile{Name: name, File: file, Text: k.text, ETag: tagOf([]byte(k.text)), Fresh: true}, nil
	}
	if err != nil {
		return nil, err
	}
	return &api.TeamFile{Name: name, File: file, Text: strings.ToValidUTF8(string(data), "\uFFFD"), ETag: tagOf(data)}, nil
}

// CheckTeamFile implements [api.TeamFiles].
func (c *consoleTeamFiles) CheckTeamFile(_ context.Context, name, text string) (*api.TeamFileChecked, error) {
	k, file, err := c.kind(name)
	if err != nil {
		return nil, err
	}
	if len(text) > mostTeamFile {
		return nil, api.Refuse(api.CodeTooLarge, "the text has more than 2 MB", "本文が 2 MB を超えています")
	}
	out := &api.TeamFileChecked{Problems: k.check(filepath.Base(file), text)}
	out.Refused = slices.ContainsFunc(out.Problems, func(p api.TeamFileProblem) bool { return !p.Warning })
	return out, nil
}

// PutTeamFile implements [api.TeamFiles]. What the service does not take over is not kept.
func (c *consoleTeamFiles) PutTeamFile(ctx context.Context, name, text string, match func(tag string) error) (*api.TeamFile, error) {
	checked, err := c.CheckTeamFile(ctx, name, text)
	if err != nil {
		return nil, err
	}
	if checked.Refused {
		p := api.Refuse(api.CodeUnprocessable, "the text is refused", "この内容は適用できません")
		for _, x := range checked.Problems {
			if !x.Warning {
				p.Problems = append(p.Problems, x.Fault)
			}
		}
		return nil, p
	}
	c.s.editing.Lock()
	defer c.s.editing.Unlock()
	now, err := c.TeamFile(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := match(now.ETag); err != nil {
		return nil, err
	}
	if now.Text == text && !now.Fresh {
		return now, nil
	}
	if err := c.s.editLocked(ctx, fileEdit{path: now.File, data: []byte(text)}); err != nil {
		return nil, err
	}
	return c.TeamFile(ctx, name)
}
