package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func (r *Resolver) env(_ context.Context, p reference) (string, error) {
	v, ok := r.o.Env(p.body)
	if !ok {
		return "", errors.New("the variable is not set")
	}
	return v, nil
}

func (r *Resolver) file(_ context.Context, p reference) (string, error) {
	if !filepath.IsAbs(p.body) {
		return "", errors.New("want an absolute path (hint: ref+file:///etc/yagura/token, with three slashes)")
	}
	return readFile(p.body)
}

var credentialName = regexp.MustCompile(`^[A-Za-z0-9_.@:-]{1,255}$`)

func (r *Resolver) systemd(_ context.Context, p reference) (string, error) {
	dir, ok := r.o.Env("CREDENTIALS_DIRECTORY")
	if !ok || !filepath.IsAbs(dir) {
		return "", errors.New("there are no credentials of a systemd unit here (hint: LoadCredential= or LoadCredentialEncrypted= in the unit)")
	}
	if !credentialName.MatchString(p.body) || strings.Trim(p.body, ".") == "" {
		return "", errors.New("not the name of a credential")
	}
	return readFile(filepath.Join(dir, p.body))
}

// readFile reads a regular file without its last line end.
func readFile(path string) (string, error) {
	// A pipe would be waited for: look before it is opened.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", errors.New("not a regular file")
	}
	if err != nil {
		return "", bare(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", bare(err)
	}
	defer f.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(f, maxValue+3))
	if err != nil {
		return "", bare(err)
	}
	return line(data), nil
}

func line(data []byte) string {
	data = bytes.TrimSuffix(data, []byte("\n"))
	return string(bytes.TrimSuffix(data, []byte("\r")))
}

// bare is an error of the file system without the path, which the reference names.
func bare(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// exec runs a program and takes what it prints. What it says on standard error is not
// shown: it may quote the secret.
func (r *Resolver) exec(ctx context.Context, p reference) (string, error) {
	if strings.Contains(p.body, "/") && !filepath.IsAbs(p.body) {
		return "", errors.New("want an absolute path, or a name that PATH finds")
	}
	path, err := exec.LookPath(p.body)
	if err != nil {
		if e := (*exec.Error)(nil); errors.As(err, &e) {
			err = e.Err
		}
		return "", bare(err)
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	out := &limited{most: maxValue + 2, stop: stop}
	cmd := exec.CommandContext(run, path, p.query["arg"]...) //nolint:gosec // the configuration names it
	cmd.Stdout = out
	cmd.WaitDelay = time.Second // for children that keep the pipe open
	err = cmd.Run()
	exit := (*exec.ExitError)(nil)
	switch {
	case out.over:
		return "", fmt.Errorf("it printed more than %d KB", maxValue>>10)
	case ctx.Err() != nil:
		return "", fmt.Errorf("it took too long: %w", ctx.Err())
	case errors.As(err, &exit):
		return "", fmt.Errorf("it ended with %s (hint: run it by hand, as the user that Yagura runs as)", exit.ProcessState)
	case err != nil:
		return "", bare(err)
	}
	return line(out.kept.Bytes()), nil
}

// limited keeps so many bytes, and then ends what writes.
type limited struct {
	kept bytes.Buffer // not embedded: its ReadFrom would go around Write
	most int
	over bool
	stop func()
}

// Write takes p while there is room.
func (l *limited) Write(p []byte) (int, error) {
	if l.over = l.over || l.kept.Len()+len(p) > l.most; l.over {
		l.stop()
		return 0, errors.New("too much")
	}
	return l.kept.Write(p)
}
