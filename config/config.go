package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura"
)

// Config is everything that can be set. The zero value is valid and means defaults.
type Config struct {
	// Rules are files and folders of Sigma and Falco rules; none means the shipped
	// detections, and the word shipped among them adds these.
	Rules []string `yaml:"rules"`
	// Overlays are files and folders of overlays for whatever rules are loaded.
	Overlays []string `yaml:"overlays"`
	// Routing sends rules to the log types of their logsource. Nil means true.
	Routing *bool `yaml:"routing"`
	// Strict makes every refused rule an error of configuration.
	Strict bool `yaml:"strict"`
	// Pipelines are processing pipelines in pySigma's form, in place of the shipped
	// ones; the word shipped among them keeps these.
	Pipelines []string `yaml:"pipelines"`
	// Placeholders are the values of Sigma's expand modifier, by placeholder name.
	Placeholders map[string][]string `yaml:"placeholders"`
	// Mappings describe further JSON log types.
	Mappings []string `yaml:"mappings"`
	// FalcoConfig is an existing falco.yaml.
	FalcoConfig string `yaml:"falco_config"`
	// Accounts names accounts, projects, subscriptions and tenants by their id.
	Accounts map[string]Account `yaml:"accounts"`
	Output   Output             `yaml:"output"`
	// Workers is the number of files that are judged at once; 0 means one per processor.
	Workers int `yaml:"workers"`
	// RepeatWindow is the number of events whose repeats are noticed; 0 means ten million.
	RepeatWindow int `yaml:"repeat_window"`
	S3           S3  `yaml:"s3"`

	// What follows is of serve.

	// Data is the folder of everything that must survive.
	Data string `yaml:"data"`
	// Store is a PostgreSQL address; "" is SQLite below Data.
	Store Secret `yaml:"store"`
	// AcceptLoss lets SQLite lie on a file system that may lose it.
	AcceptLoss bool `yaml:"accept_loss"`
	// Tenant begins every cause key; it must never change.
	Tenant string `yaml:"tenant"`
	Server Server `yaml:"server"`
	// Policy is the file of the severity policy; "" is the shipped one.
	Policy string `yaml:"policy"`
	// Documents is the folder of runbooks and the handbook; "" is documents below Data.
	Documents string `yaml:"documents"`
	// Registry is a file of accounts beside those of accounts.
	Registry string `yaml:"registry"`
	// Organizations lists the accounts of an AWS organisation below both.
	Organizations Organizations `yaml:"organizations"`

	Sources []Source `yaml:"sources"`
	Sinks   []Sink   `yaml:"sinks"`
	// Storm is how many new issues a minute are told one by one; 0 means 60.
	Storm int `yaml:"storm"`
	// Digest is the time of day of the daily list, such as 08:30; "" sends none.
	Digest string `yaml:"digest"`
	// Timezone is of Digest and of people's days.
	Timezone string `yaml:"timezone"`
	// Lateness is how long after an event its record may come.
	Lateness Duration          `yaml:"lateness"`
	Targets  map[string]Target `yaml:"targets"`
	Keep     Keep              `yaml:"keep"`
	Lake     Lake              `yaml:"lake"`
	Repeats  Repeats           `yaml:"repeats"`
	Own      Own               `yaml:"own"`
	Recheck  Recheck           `yaml:"recheck"`
	Schedule Schedule          `yaml:"schedule"`
	Usual    Usual             `yaml:"usual"`
	Watchdog Watchdog          `yaml:"watchdog"`
	Tracing  Tracing           `yaml:"tracing"`
	Console  Console           `yaml:"console"`
}

// Account is what people know of an account.
type Account struct {
	Name        string   `yaml:"name"`
	Owner       string   `yaml:"owner"`
	Environment string   `yaml:"environment"`
	Tags        []string `yaml:"tags"`
}

// Output holds the defaults of what is printed.
type Output struct {
	Format      string          `yaml:"format"` // table, jsonl, ocsf or sarif
	Lang        string          `yaml:"lang"`   // en or ja; "" follows LANG
	Explain     bool            `yaml:"explain"`
	FailOn      yagura.Severity `yaml:"fail_on"`
	MinSeverity yagura.Severity `yaml:"min_severity"`
}

// S3 says how to reach S3 where the environment of the AWS tools does not.
type S3 struct {
	Region          string `yaml:"region"`
	Endpoint        string `yaml:"endpoint"`
	AccessKeyID     string `yaml:"access_key_id"`
	SecretAccessKey Secret `yaml:"secret_access_key"`
	SessionToken    Secret `yaml:"session_token"`
}

// MaxWorkers bounds the number of files that are judged at once.
const MaxWorkers = 1024

// maxRepeatWindow bounds the number of events whose repeats are noticed.
const maxRepeatWindow = 10_000_000

// maxFile bounds a configuration file, and the file of one secret.
const maxFile = 4 << 20

// Load reads a file ("" for none) and the environment ("NAME=value" strings) over it.
// All faults are returned together, one per line of the error.
func Load(file string, environ []string) (*Config, error) {
	c, _, bad, err := read(file, environ)
	switch {
	case err != nil:
		return nil, err
	case len(bad) > 0:
		return nil, bad
	}
	return c, nil
}

// Inspect reads as [Load] does, and returns what could be read beside the faults. where
// says where a key stands, by its path: file:line:column, or the name of a variable; of a
// key that is not there, where the nearest one around it is.
func Inspect(file string, environ []string) (c *Config, where func(path string) string, bad []*Fault, err error) {
	c, at, bad, err := read(file, environ)
	return c, at.of, bad, err
}

func read(file string, environ []string) (*Config, places, faults, error) {
	var c Config
	var bad faults
	at := places{}
	if file != "" {
		at[""] = file
		data, err := readFile(file)
		if err != nil {
			return nil, nil, nil, err
		}
		bad = append(bad, decodeFile(file, data, &c, at)...)
	}
	bad = append(bad, decodeEnviron(environ, &c, at)...)
	bad = append(bad, c.check(at, bad)...)
	return &c, at, bad, nil
}

// places says where each key was set last, by its path: file:line:column, or the name of
// an environment variable.
type places map[string]string

// of says where a key stands, or else what is around it.
func (p places) of(path string) string {
	for {
		if where, ok := p[path]; ok || path == "" {
			return where
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// check looks at what only the whole tells, after file and environment, whose faults
// are before: a secret that could not be read is not missed once more.
func (c *Config) check(at places, before faults) (bad faults) {
	fault := func(path, reason, hint string) {
		bad = append(bad, &Fault{Where: at[path], Reason: path + reason, Hint: hint})
	}
	one := func(path, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			fault(path, fmt.Sprintf(" is %q", value), "write one of "+strings.Join(allowed, ", "))
		}
	}
	one("output.format", c.Output.Format, "table", "jsonl", "ocsf", "sarif")
	one("output.lang", c.Output.Lang, "en", "ja")
	if c.Workers < 0 || c.Workers > MaxWorkers {
		fault("workers", fmt.Sprintf(" is %d", c.Workers), fmt.Sprintf("write 0 (one per processor) to %d", MaxWorkers))
	}
	if c.RepeatWindow < 0 || c.RepeatWindow > maxRepeatWindow {
		fault("repeat_window", fmt.Sprintf(" is %d", c.RepeatWindow), fmt.Sprintf("write 0 (as many as can be) to %d", maxRepeatWindow))
	}
	const id, secret = "s3.access_key_id", "s3.secret_access_key"
	switch hasID, hasSecret := c.S3.AccessKeyID != "", c.S3.SecretAccessKey != ""; {
	case hasID && !hasSecret && !slices.ContainsFunc(before, func(f *Fault) bool { return f.Where == at[secret] }):
		fault(id, " is half a credential", "give secret_access_key_file too")
	case hasSecret && !hasID:
		fault(secret, " is half a credential", "give access_key_id too")
	}
	return append(bad, c.checkServe(at, append(slices.Clip(before), bad...))...)
}

// Fault is one thing that is wrong with the configuration.
type Fault struct {
	Where  string // file:line:column, or the name of an environment variable
	Reason string
	Hint   string
}

// Error returns where: reason (hint: …).
func (f *Fault) Error() string {
	s := "configuration"
	if f.Where != "" {
		s = f.Where
	}
	s += ": " + f.Reason
	if f.Hint != "" {
		s += " (hint: " + f.Hint + ")"
	}
	return s
}

type faults []*Fault

// Error returns one line per fault.
func (f faults) Error() string {
	lines := make([]string, len(f))
	for i, x := range f {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults.
func (f faults) Unwrap() []error {
	out := make([]error, len(f))
	for i, x := range f {
		out[i] = x
	}
	return out
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxFile {
		return nil, &Fault{Where: name, Reason: fmt.Sprintf("%d bytes are more than the limit of %d", info.Size(), maxFile)}
	}
	data, err := os.ReadFile(name)
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return nil, &Fault{Where: name, Reason: p.Err.Error()}
	}
	return data, err
}
