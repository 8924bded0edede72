package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/report"
)

// The exit codes. They are part of the contract in docs/contracts.md.
const (
	exitDone        = 0
	exitFailOn      = 1
	exitUsage       = 2
	exitNothing     = 3
	exitInterrupted = 130
)

const exitHelp = `
Exit codes: 0 done, 1 --fail-on was reached (rule test: a test failed), 2 usage or configuration, 3 nothing could be read, or nothing of a path that was given, 130 interrupted (what was found until then is printed).
`

// cli is the whole command line.
type cli struct {
	Scan       scanCmd       `cmd:"" help:"Judge logs by Sigma and Falco rules and print what was found."`
	Rule       ruleCmd       `cmd:"" help:"List, check, test and explain rules."`
	Policy     policyCmd     `cmd:"" help:"Check, test and replay the severity policy."`
	Decode     decodeCmd     `cmd:"" help:"Print logs as one event per line."`
	Init       initCmd       `cmd:"" help:"Write a configuration to begin with, and the IAM policies that it needs."`
	Config     configCmd     `cmd:"" help:"Check a configuration."`
	Source     sourceCmd     `cmd:"" help:"Try the sources of a server."`
	Sink       sinkCmd       `cmd:"" help:"Try the sinks of a server."`
	Serve      serveCmd      `cmd:"" help:"Receive logs and alerts, keep one issue per cause, and bring it to where people work."`
	Issue      issueCmd      `cmd:"" help:"List and work the issues of a server."`
	API        apiCmd        `cmd:"" name:"api" help:"Call an endpoint of the API, of a server or of the store beside."`
	Lake       lakeCmd       `cmd:"" help:"Fill and look after the lake of all records."`
	Retro      retroCmd      `cmd:"" help:"Judge anew what the lake keeps: with new rules, indicators or another policy."`
	Ledger     ledgerCmd     `cmd:"" help:"Show that nothing was lost: received = judged + waiting, owed = delivered + waiting."`
	Hunt       huntCmd       `cmd:"" help:"Ask the lake in SQL or KQL."`
	Workbook   workbookCmd   `cmd:"" help:"Fixed sets of hunts: network, user, IAM changes, sign-ins, WAF, cost."`
	Usual      usualCmd      `cmd:"" help:"Say what an entity is used to do, and what of the last day is unusual."`
	Watchlist  watchlistCmd  `cmd:"" help:"Bring tables of your own to hunts."`
	Dead       deadCmd       `cmd:"" help:"Look after records that could not be decoded or judged."`
	Backup     backupCmd     `cmd:"" help:"Write one consistent, encrypted archive of a server's store."`
	Restore    restoreCmd    `cmd:"" help:"Read a backup into an empty store."`
	Permission permissionCmd `cmd:"" help:"Say what permissions of Microsoft's APIs are called, and how risky they are."`
	Demo       demoCmd       `cmd:"" help:"Open a console full of the week of an invented company, or scan its sample logs in the terminal."`
	Version    versionCmd    `cmd:"" help:"Print the version."`

	Completion completionCmd `cmd:"" help:"Print the completion script of a shell."`
	Complete   completeCmd   `cmd:"" name:"__complete" hidden:"" passthrough:"all"`
}

// environment is everything that a command touches of the world.
type environment struct {
	args           []string
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	ctx            context.Context
	parser         *kong.Kong
}

// getenv returns a variable, "" when it is not set.
func (e *environment) getenv(name string) string {
	for _, v := range slices.Backward(e.environ) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// japanese says whether people are spoken to in Japanese: by the flag, else the
// configuration, else the locale.
func (e *environment) japanese(flag, configured string) bool {
	for _, lang := range []string{flag, configured} {
		if lang != "" {
			return lang == "ja"
		}
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := e.getenv(name); v != "" {
			return strings.HasPrefix(v, "ja")
		}
	}
	return false
}

// exitError is an end with a code; err is nil when everything has been said.
type exitError struct {
	code int
	err  error
}

// Error returns what is left to say.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns the reason.
func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// stopped ends the parser after --help, by way of kong's Exit hook.
type stopped struct{ code int }

// run is the program: it parses, runs one command and returns the exit code.
func run(ctx context.Context, env *environment) (code int) {
	env.ctx = ctx
	defer func() {
		switch p := recover().(type) {
		case nil:
		case stopped:
			code = p.code
		default:
			panic(p)
		}
	}()
	var c cli
	parser, err := kong.New(&c, kong.Name("yagura"),
		kong.Description("Yagura (櫓, watchtower) scans cloud logs with Sigma and Falco rules and says why each one fired.\n\nStart with: yagura demo"),
		kong.Writers(env.stdout, env.stderr),
		kong.Exit(func(code int) { panic(stopped{code}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Vars{"exit": exitHelp})
	if err != nil {
		fmt.Fprintf(env.stderr, "yagura: %v\n", err)
		return exitUsage
	}
	env.parser = parser
	switch {
	case len(env.args) == 0:
		env.args = []string{"--help"}
	case len(env.args) == 1 && (env.args[0] == "--version" || env.args[0] == "-V"):
		env.args = []string{"version"}
	case env.args[0] == "help":
		env.args = append(env.args[1:len(env.args):len(env.args)], "--help")
	}
	kctx, err := parser.Parse(env.args)
	if err != nil {
		// A flag that may be left out has the empty text among its values.
		said := strings.ReplaceAll(err.Error(), `one of "",`, "one of ")
		if flag, ok := strings.CutSuffix(said, `: expected string value but got "EOL" (<EOL>)`); ok {
			said = flag + ": its value is missing"
		}
		fmt.Fprintf(env.stderr, "yagura: %s\nyagura: hint: %s\n", said, helpFor(err))
		return exitUsage
	}
	return env.code(kctx.Run(env))
}

func helpFor(err error) string {
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context != nil && p.Context.Selected() != nil {
		return "see " + p.Context.Selected().FullPath() + " --help"
	}
	return "see yagura --help"
}

// code says what is left to say of an error and returns the exit code.
func (e *environment) code(err error) int {
	var exit *exitError
	var fault *config.Fault
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, syscall.EPIPE):
		return exitDone // the reader has what it wanted
	case errors.As(err, &exit):
		if exit.err != nil {
			e.complain(exit.err)
		}
		return exit.code
	case errors.As(err, &fault):
		e.complain(err)
		return exitUsage
	}
	e.complain(err)
	return exitUsage
}

// complain says every line of an error, in which names and texts of other people may stand.
func (e *environment) complain(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(e.stderr, "yagura: %s\n", report.Escape(line))
	}
}

// isTerminal says whether w shows its text to a person.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && terminalWidth(f) > 0
}
