package app

import (
	"maps"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/detections"
)

// Placeholders are the values of Sigma's placeholders: those of the configuration, and what
// the registry of accounts says of pipelines, pipeline_identities and pipeline_accounts,
// where the configuration does not name them itself.
func Placeholders(cfg *config.Config) (map[string][]string, error) {
	known, err := LoadAccounts(cfg)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	if identities, accounts := known.Pipelines(); len(identities) > 0 {
		out["pipeline_identities"], out["pipeline_accounts"] = identities, accounts
	}
	maps.Copy(out, cfg.Placeholders)
	return out, nil
}

// ExamplePlaceholders fills in, for tests of rules, what has no value.
func ExamplePlaceholders(given map[string][]string) map[string][]string {
	out := detections.Placeholders()
	for name, values := range given {
		if len(values) > 0 {
			out[name] = values
		}
	}
	return out
}
