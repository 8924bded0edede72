package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/yagura-sec/yagura/store"
)

type apiCmd struct {
	deskFlags
	Method string `arg:"" help:"GET, POST, PUT, PATCH or DELETE."`
	Path   string `arg:"" help:"Path below /api/v1, with its parameters: '/issues?q=severity:high status:open'."`
	Data   string `short:"d" placeholder:"JSON|@FILE|-" help:"Body: JSON, a file after @, or - for standard input."`
	Output string `short:"o" placeholder:"FILE" help:"Write the answer to a file."`
}

// Help is the text below the usage of api.
func (apiCmd) Help() string {
	return `
Calls any endpoint of the API: of a server (--server, YAGURA_TOKEN), or of the store beside. yagura api GET /openapi.json describes all of them; docs/api.md tells of lists, errors and rates.

A refusal is printed on standard error, and the exit code is 2.
`
}

// Run calls.
func (c *apiCmd) Run(env *environment) error {
	method := strings.ToUpper(c.Method)
	path, query, _ := strings.Cut(c.Path, "?")
	if !strings.HasPrefix(path, "/") {
		return usage("%q: a path begins with /", c.Path)
	}
	// People write a query as they read it: blanks and quotes are escaped for them.
	if query != "" {
		var parts []string
		for part := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(part, "=")
			if v, err := url.QueryUnescape(value); err == nil && strings.Contains(value, "%") {
				value = v
			}
			parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
		}
		path += "?" + strings.Join(parts, "&")
	}
	body, err := c.body(env)
	if err != nil {
		return err
	}
	mode := store.ReadOnly
	if method != "GET" {
		mode = store.Shared
	}
	d, err := c.open(env, mode)
	if err != nil {
		return err
	}
	defer d.close()
	var sent any
	if body != nil {
		sent = body
	}
	resp, err := d.send(env.ctx, method, path, sent)
	if err != nil {
		q := ""
		if u, perr := url.Parse(path); perr == nil {
			q = u.Query().Get("q")
		}
		return d.said(err, q)
	}
	defer resp.Body.Close() //nolint:errcheck // it is only read
	if c.Output != "" {
		f, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return usage("--output: %w", err)
		}
		if _, err = io.Copy(f, resp.Body); err != nil {
			f.Close() //nolint:errcheck // the copy failed already
			return err
		}
		return f.Close()
	}
	if isTerminal(env.stdout) && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if json.Indent(&out, data, "", "  ") == nil {
			data = out.Bytes()
		}
		_, err = env.stdout.Write(data)
		return err
	}
	_, err = io.Copy(env.stdout, resp.Body)
	return err
}

func (c *apiCmd) body(env *environment) ([]byte, error) {
	switch name, file := strings.CutPrefix(c.Data, "@"); {
	case c.Data == "":
		return nil, nil
	case c.Data == "-":
		return io.ReadAll(env.stdin)
	case file:
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, usage("--data: %w", err)
		}
		return data, nil
	}
	return []byte(c.Data), nil
}
