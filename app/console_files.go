package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/triage"
)

// fileEdit is the content that a file is to have; gone takes the file away.
type fileEdit struct {
	path string
	data []byte
	gone bool
}

// edit changes files that rules and policy are read from, and has the service read them again.
// What it does not take over is not kept: the files are what they were before, and the error
// says why.
func (s *Serve) edit(ctx context.Context, edits ...fileEdit) error {
	s.editing.Lock()
	defer s.editing.Unlock()
	return s.editLocked(ctx, edits...)
}

func (s *Serve) editLocked(ctx context.Context, edits ...fileEdit) error {
	var undo []fileEdit
	back := func() error {
		var errs []error
		for _, e := range undo {
			errs = append(errs, e.write(context.WithoutCancel(ctx)))
		}
		return errors.Join(errs...)
	}
	for _, e := range edits {
		was, err := os.ReadFile(e.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, back())
		}
		undo = append(undo, fileEdit{path: e.path, data: was, gone: err != nil})
		if err := e.write(ctx); err != nil {
			return errors.Join(err, back())
		}
	}
	if err := s.reload(ctx); err != nil {
		return errors.Join(reloadProblem(err), back())
	}
	s.log.Info("reloaded", "rules", len(s.rules.Load().rules.Rules), "generation", s.rules.Load().Hash)
	return nil
}

func (e fileEdit) write(ctx context.Context) error {
	if e.gone {
		if err := os.Remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(e.path), 0o700); err != nil {
		return err
	}
	return WriteWhole(ctx, &config.Config{}, e.path, func(w io.Writer) error {
		_, err := w.Write(e.data)
		return err
	})
}

// tagOf is the ETag of a content.
func tagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// reloadProblem says why what was edited does not hold.
func reloadProblem(err error) error {
	p := api.Refuse(api.CodeUnprocessable, "it was not taken over: "+err.Error(), "適用できませんでした: "+err.Error())
	var walk func(err error)
	walk = func(err error) {
		switch e := err.(type) {
		case *rule.Refusal:
			if !e.Warning {
				p.Problems = append(p.Problems, api.Fault{Line: e.Line, Column: e.Column, Reason: e.Reason, Hint: e.Hint})
			}
		case *triage.Problem:
			p.Problems = append(p.Problems, api.Fault{Line: e.Line, Column: e.Column, Reason: e.Reason, Hint: e.Hint})
		case *config.Fault:
			p.Problems = append(p.Problems, api.Fault{Reason: e.Where + ": " + e.Reason, Hint: e.Hint})
		case interface{ Unwrap() []error }:
			for _, x := range e.Unwrap() {
				walk(x)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	walk(err)
	return p
}

// refusalProblem says why the text of a rule is no rule.
func refusalProblem(list []rule.Refusal) error {
	first := ""
	p := api.Refuse(api.CodeUnprocessable, "", "")
	for i := range list {
		r := &list[i]
		if r.Warning {
			continue
		}
		if first == "" {
			first = r.Error()
		}
		p.Problems = append(p.Problems, api.Fault{Line: r.Line, Column: r.Column, Reason: r.Reason, Hint: r.Hint})
	}
	p.Detail = fmt.Sprintf("the rule is refused: %s", first)
	p.DetailJA = fmt.Sprintf("ルールが拒否されました: %s", first)
	return p
}

// problemFaults says what is wrong with a policy.
func problemFaults(list []triage.Problem) []api.Fault {
	out := []api.Fault{}
	for i := range list {
		out = append(out, api.Fault{Line: list[i].Line, Column: list[i].Column, Reason: list[i].Reason, Hint: list[i].Hint})
	}
	return out
}
