// Command yagura scans cloud logs with Sigma and Falco rules. One file is one verb;
// everything that is not about the command line lives in package app.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/yagura-sec/yagura/app"
)

func main() { os.Exit(mainCode()) }

// mainCode is main with the exit code as its result.
func mainCode() int {
	app.BeEngine()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	// A reader that goes away (yagura scan … | head) is an error of writing, not a signal.
	signal.Ignore(syscall.SIGPIPE)
	return run(ctx, &environment{
		args: os.Args[1:], environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now,
	})
}
