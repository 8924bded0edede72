package notify

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/yagura-sec/yagura"
)

// Layout is how a sink turns a [Text] into its own texts: built-in templates per language,
// and the escaping that its service needs. A template is a Go text/template that holds
// {{define "name"}} blocks; users replace single blocks by a file of their own.
//
// Everything that a template prints goes through Escape, whatever its author forgets: the
// values of a Text were written by others. Functions that return [Safe] (a code span, a
// link, a list) have escaped what they were given and are printed as they are.
type Layout struct {
	Builtin map[Lang]string
	Escape  func(string) string
	Funcs   template.FuncMap
	// Data makes what the templates see; nil shows them the *Text itself.
	Data func(*Text) any
}

// Safe is text that is escaped for its sink already.
type Safe string

// Templates are the loaded templates of one sink.
type Templates struct {
	layout Layout
	lang   Lang
	set    *template.Template
	plain  *template.Template // the same without escaping
	names  []string
}

// maxRendered is the most bytes that one template may print.
const maxRendered = 1 << 20

// LoadFile loads the user's template file over the built-in blocks; "" loads the built-in
// ones alone.
func (l Layout) LoadFile(lang Lang, file string) (*Templates, error) {
	if file == "" {
		return l.Load(lang, "", "")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("template file: %w", err)
	}
	return l.Load(lang, file, string(data))
}

// Load is [Layout.LoadFile] with the file's text. An error names file and line. All blocks
// are tried with a sample of every kind of notice, so that a field that is not there is
// found now and not in the night.
func (l Layout) Load(lang Lang, file, text string) (*Templates, error) {
	builtin, ok := l.Builtin[lang]
	if !ok {
		builtin = l.Builtin[English]
	}
	t := &Templates{layout: l, lang: lang}
	t.set = template.New("built-in").Funcs(template.FuncMap{
		"cut":   Words(lang).cutFunc,
		"join":  func(sep string, list []string) string { return strings.Join(list, sep) },
		"lower": strings.ToLower, "upper": strings.ToUpper,
	}).Funcs(l.Funcs).Funcs(template.FuncMap{"_show": l.show})
	if _, err := t.set.Parse(builtin); err != nil {
		return nil, placed(err)
	}
	for _, b := range t.set.Templates() {
		if b.Name() != "built-in" {
			t.names = append(t.names, b.Name())
		}
	}
	slices.Sort(t.names)
	if file != "" {
		if err := t.add(file, text); err != nil {
			return nil, err
		}
	}
	for _, b := range t.set.Templates() {
		if b.Tree != nil {
			show(b.Root)
		}
	}
	plain, err := t.set.Clone()
	if err != nil {
		return nil, placed(err)
	}
	t.plain = plain.Funcs(template.FuncMap{"_show": func(v any) string { return fmt.Sprint(v) }})
	return t, t.try()
}

// add parses the user's file over the built-in blocks.
func (t *Templates) add(file, text string) error {
	trees, err := template.New(file).Funcs(template.FuncMap{"_show": t.layout.show, "cut": fmt.Sprint, "join": fmt.Sprint, "lower": fmt.Sprint, "upper": fmt.Sprint}).
		Funcs(t.layout.Funcs).Parse(text)
	if err != nil {
		return placed(err)
	}
	called := map[string]bool{}
	for _, b := range trees.Templates() {
		if b.Tree != nil {
			calls(b.Root, called)
		}
	}
	for _, b := range trees.Templates() {
		if b.Tree == nil {
			continue
		}
		if b.Name() == file {
			for _, n := range b.Root.Nodes {
				if tn, ok := n.(*parse.TextNode); !ok || len(bytes.TrimSpace(tn.Text)) > 0 {
					return fmt.Errorf("%s:%d: text outside of a block (hint: write {{define \"%s\"}} … {{end}})", file, line(text, int(n.Position())), t.names[0])
				}
			}
			continue
		}
		if !slices.Contains(t.names, b.Name()) && !called[b.Name()] {
			return fmt.Errorf("%s:%d: block %q is not known and nothing uses it (hint: the blocks are %s)",
				file, line(text, int(b.Root.Position())), b.Name(), strings.Join(t.names, ", "))
		}
		if _, err := t.set.AddParseTree(b.Name(), b.Tree); err != nil {
			return placed(err)
		}
	}
	return nil
}

func line(text string, pos int) int { return 1 + strings.Count(text[:min(pos, len(text))], "\n") }

// placed strips what text/template says before file and line.
func placed(err error) error {
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "template: "))
}

// calls collects the names of the blocks that a tree uses.
func calls(n parse.Node, into map[string]bool) {
	walk(n, func(n parse.Node) {
		if c, ok := n.(*parse.TemplateNode); ok {
			into[c.Name] = true
		}
	})
}

// walk visits the nodes that print or hold others.
func walk(n parse.Node, visit func(parse.Node)) {
	branch := func(b *parse.BranchNode) {
		walk(b.List, visit)
		if b.ElseList != nil {
			walk(b.ElseList, visit)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, c := range n.Nodes {
			walk(c, visit)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	default:
		visit(n)
	}
}

// show sends all that a tree prints through the function _show.
func show(root parse.Node) {
	walk(root, func(n parse.Node) {
		a, ok := n.(*parse.ActionNode)
		if !ok || len(a.Pipe.Decl) > 0 {
			return
		}
		last := a.Pipe.Cmds[len(a.Pipe.Cmds)-1]
		if id, ok := last.Args[0].(*parse.IdentifierNode); ok && id.Ident == "_show" {
			return
		}
		a.Pipe.Cmds = append(a.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: a.Pos,
			Args: []parse.Node{parse.NewIdentifier("_show").SetPos(a.Pos)}})
	})
}

func (l Layout) show(v any) string {
	if s, ok := v.(Safe); ok {
		return string(s)
	}
	return l.Escape(fmt.Sprint(v))
}

func (v *Vocabulary) cutFunc(n int, s string) (string, error) {
	if n < 1 {
		return "", fmt.Errorf("cut %d: want at least 1", n)
	}
	return v.Cut(s, n), nil
}

// try runs every block on samples.
func (t *Templates) try() error {
	for _, op := range []yagura.Op{yagura.OpOpen, yagura.OpUpdate, yagura.OpRise, yagura.OpAck, yagura.OpClose,
		yagura.OpReopen, yagura.OpComment, yagura.OpAsk, yagura.OpDigest, yagura.OpTest} {
		text := NewText(Sample(op), TextOptions{Lang: t.lang})
		for _, name := range t.names {
			if _, err := t.Render(name, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// Render runs one block.
func (t *Templates) Render(name string, text *Text) (string, error) {
	var data any = text
	if t.layout.Data != nil {
		data = t.layout.Data(text)
	}
	return t.RenderData(name, data)
}

// RenderData runs one block on data that the sink made itself.
func (t *Templates) RenderData(name string, data any) (string, error) {
	var out bounded
	if err := t.set.ExecuteTemplate(&out, name, data); err != nil {
		return "", placed(err)
	}
	return out.String(), nil
}

// RenderPlain runs one block on data that the sink made itself and escapes nothing: for a
// place that the service shows as it is, such as a title.
func (t *Templates) RenderPlain(name string, data any) (string, error) {
	var out bounded
	if err := t.plain.ExecuteTemplate(&out, name, data); err != nil {
		return "", placed(err)
	}
	return out.String(), nil
}

// Names lists the blocks.
func (t *Templates) Names() []string { return slices.Clone(t.names) }

// bounded is a buffer that ends a template which prints without end.
type bounded struct{ bytes.Buffer }

// Write refuses what goes beyond the bound.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("prints more than %d bytes", maxRendered)
	}
	return b.Buffer.Write(p)
}
