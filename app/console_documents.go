package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/rule"
)

// consoleDocuments keeps the documents of a team: files below one folder, which may as well be
// written by hand and kept in git.
type consoleDocuments struct {
	s    *Serve
	kept keptDocuments
}

var _ api.Documents = (*consoleDocuments)(nil)

// The bounds of documents.
const (
	documentBytes   = 512 << 10 // of one
	documentsListed = 5000      // files of the folder
	documentsRead   = 64 << 20  // of all texts that a list looks at
	documentPath    = 240       // bytes of a path
	documentFolders = 8
)

// ruleDocuments is where the runbooks of rules are listed.
const ruleDocuments = "rules/"

// DocumentsDir is the folder of documents.
func DocumentsDir(cfg *config.Config) string {
	if cfg.Documents != "" {
		return cfg.Documents
	}
	return filepath.Join(cfg.Data, "documents")
}

// written is a document with its text.
type writtenDocument struct {
	api.Document
	text string
}

// documentName says why a path cannot be that of a document; nil where it can.
func documentName(p string) error {
	bad := func(en, ja string) error {
		return api.Refuse(api.CodeBadRequest, "path: "+en, "path: "+ja).Hinted("runbooks/root-sign-in.md", "runbooks/root-sign-in.ja.md")
	}
	switch {
	case len(p) > documentPath || strings.Count(p, "/") >= documentFolders:
		return bad("it is too long", "長すぎます")
	case !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool {
		return unicode.IsControl(r) || r == unicode.ReplacementChar || strings.ContainsRune(`\:*?"<>|`, r)
	}):
		return bad("it has a character that no name of a file should have", "ファイル名に使えない文字があります")
	case !fs.ValidPath(p) || !filepath.IsLocal(filepath.FromSlash(p)):
		return bad("it is no path below the folder of documents", "文書フォルダー以下のパスではありません")
	}
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(part, ".") || strings.TrimSpace(part) != part {
			return bad("a name begins with a dot, or with or ends in a space", "名前の先頭のドットと前後の空白は使えません")
		}
	}
	if !isDocument(p) {
		return bad("the name ends in none of .md, .txt, .yaml, .yml", "拡張子は .md、.txt、.yaml、.yml のいずれかにしてください")
	}
	return nil
}

func isDocument(p string) bool {
	ext := path.Ext(p)
	return slices.Contains([]string{".md", ".txt", ".yaml", ".yml"}, ext) && len(path.Base(p)) > len(ext)
}

// root opens the folder; everything is read and written below it, whatever links lead out.
func (c *consoleDocuments) root() (*os.Root, error) {
	return os.OpenRoot(DocumentsDir(c.s.config.Load()))
}

// documentOf is what a text says of itself.
func documentOf(p, text string) api.Document {
	d := api.Document{Path: p, Title: headingOf(text), Kind: "handbook", Lang: "en", Size: int64(len(text))}
	name := strings.TrimSuffix(path.Base(p), path.Ext(p))
	if d.Title == "" {
		d.Title = name
	}
	switch {
	case path.Ext(p) != ".md":
		d.Kind = "reference"
	case strings.HasPrefix(p, "runbooks/"):
		d.Kind = "runbook"
	}
	if lang := strings.TrimPrefix(path.Ext(name), "."); lang == "ja" || lang != "en" && hasKana(text) {
		d.Lang = "ja"
	}
	return d
}

func hasKana(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana) })
}

// headingOf is the first heading of a Markdown text, "" without one.
func headingOf(text string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			rest = strings.TrimLeft(rest, "#")
			if title := strings.TrimSpace(rest); title != "" && title != strings.TrimRight(rest, "\r\n") {
				return title
			}
		}
	}
	return ""
}

// read reads one file.
func readDocument(root *os.Root, p string) (d keptDocument, err error) {
	f, err := root.Open(filepath.FromSlash(p))
	if err != nil {
		return d, err
	}
	defer f.Close() //nolint:errcheck // it was read
	if d.info, err = f.Stat(); err != nil {
		return d, err
	}
	if !d.info.Mode().IsRegular() {
		return d, fs.ErrNotExist
	}
	data, err := io.ReadAll(io.LimitReader(f, documentBytes+1))
	if err != nil {
		return d, err
	}
	if len(data) > documentBytes {
		return d, api.Refuse(api.CodeTooLarge, fmt.Sprintf("%s has more than %d KB", p, documentBytes>>10), fmt.Sprintf("%s は %d KB を超えています", p, documentBytes>>10))
	}
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	d.writtenDocument = writtenDocument{documentOf(p, text), text}
	d.Updated = d.info.ModTime().UTC()
	return d, nil
}

// files reads the team's own documents. Those that cannot be read are said in the log and left
// out: one broken file does not hide the others.
func (c *consoleDocuments) files() (out []writtenDocument, err error) {
	root, err := c.root()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // it was read
	c.kept.mu.Lock()
	defer c.kept.mu.Unlock()
	before := c.kept.files
	c.kept.files = map[string]keptDocument{}
	total := 0
	err = fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			c.s.log.Warn("a document cannot be read", "path", p, "error", err)
			return nil
		case e.IsDir():
			if p != "." && (strings.HasPrefix(e.Name(), ".") || strings.Count(p, "/") >= documentFolders-1) {
				return fs.SkipDir
			}
			return nil
		case documentName(p) != nil:
			return nil
		case len(out) >= documentsListed || total > documentsRead:
			c.s.log.Warn("there are more documents than are listed", "files", len(out), "bytes", total)
			return fs.SkipAll
		}
		k, err := before[p].now(root, p)
		if err != nil {
			c.s.log.Warn("a document cannot be read", "path", p, "error", err)
			return nil
		}
		if c.s.o.Now().Sub(k.info.ModTime()) > documentSettles {
			c.kept.files[p] = k
		}
		total += len(k.text)
		out = append(out, k.writtenDocument)
		return nil
	})
	return out, err
}

// runbooks are what the rules that judge say about their findings, a document for each language
// that they say it in. They are written once for each time that rules are loaded.
func (c *consoleDocuments) runbooks() []writtenDocument {
	g := c.s.rules.Load()
	c.kept.mu.Lock()
	defer c.kept.mu.Unlock()
	if c.kept.of != g {
		c.kept.of, c.kept.runbooks = g, runbooksOf(g.rules.All())
	}
	return c.kept.runbooks
}

func runbooksOf(rules []*rule.Rule) (out []writtenDocument) {
	for _, r := range rules {
		b := runbookOf(r)
		if b == nil {
			continue
		}
		id := ruleID(r)
		name := ruleDocuments + strings.ReplaceAll(id, "/", "-")
		add := func(p, lang, title, checks, does string, check, do []string) {
			if len(check)+len(do) == 0 {
				return
			}
			text := "# " + title + "\n"
			for _, part := range []struct {
				title string
				steps []string
			}{{checks, check}, {does, do}} {
				if len(part.steps) > 0 {
					text += "\n## " + part.title + "\n\n"
				}
				for i, step := range part.steps {
					text += fmt.Sprintf("%d. %s\n", i+1, strings.Join(strings.Fields(step), " "))
				}
			}
			out = append(out, writtenDocument{api.Document{Path: p, Title: title, Kind: "runbook", Lang: lang, Rule: id, Shipped: isShipped(r.File), Size: int64(len(text))}, text})
		}
		add(name+".md", "en", r.Title, "What to find out", "What to do", b.Check, b.Do)
		ja := r.Japanese.Title
		if ja == "" {
			ja = r.Title
		}
		add(name+".ja.md", "ja", ja, "確認すること", "対応", b.CheckJA, b.DoJA)
	}
	return out
}

// ListDocuments implements [api.Documents].
func (c *consoleDocuments) ListDocuments(_ context.Context, ask api.Ask) (*api.List[api.Document], error) {
	all, err := c.files()
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, d := range all {
		taken[d.Path] = true
	}
	for _, d := range c.runbooks() {
		if !taken[d.Path] {
			taken[d.Path] = true
			all = append(all, d)
		}
	}
	list, err := page(ask, all, documentRow)
	if err != nil {
		return nil, err
	}
	out := &api.List[api.Document]{Items: make([]api.Document, len(list.Items)), Next: list.Next, Total: list.Total}
	for i := range list.Items {
		out.Items[i] = list.Items[i].Document
	}
	return out, nil
}

func documentRow(d *writtenDocument) row {
	return row{id: d.Path, values: map[string]any{"path": d.Path, "title": d.Title, "kind": d.Kind, "lang": d.Lang, "rule": d.Rule, "shipped": d.Shipped, "updated": d.Updated},
		texts: []string{d.Path, d.Title, d.text}}
}

func (d *writtenDocument) whole(editable bool) *api.DocumentText {
	return &api.DocumentText{Document: d.Document, Text: d.text, ETag: tagOf([]byte(d.text)), Editable: editable}
}

// Document implements [api.Documents].
func (c *consoleDocuments) Document(_ context.Context, p string) (*api.DocumentText, error) {
	d, err := c.own(p)
	switch {
	case err == nil:
		return d.whole(true), nil
	case !errors.Is(err, api.NotFound):
		return nil, err
	}
	for _, d := range c.runbooks() {
		if d.Path == p {
			return d.whole(false), nil
		}
	}
	return nil, api.NotFound
}

// own reads one of the team's own documents. A path that can be that of none is not there.
func (c *consoleDocuments) own(p string) (*writtenDocument, error) {
	if documentName(p) != nil {
		return nil, api.NotFound
	}
	root, err := c.root()
	if err == nil {
		defer root.Close() //nolint:errcheck // it was read
		var d keptDocument
		if d, err = readDocument(root, p); err == nil {
			return &d.writtenDocument, nil
		}
	}
	var said *api.Problem
	if errors.As(err, &said) {
		return nil, err
	}
	// What leads out of the folder is not there, and neither is what lies below a file.
	c.s.log.Debug("a document was not read", "path", p, "error", err)
	return nil, api.NotFound
}

// PutDocument implements [api.Documents].
func (c *consoleDocuments) PutDocument(ctx context.Context, p, text string, fresh bool, match func(tag string) error) (*api.DocumentText, error) {
	if err := documentName(p); err != nil {
		return nil, err
	}
	switch {
	case len(text) > documentBytes:
		return nil, api.Refuse(api.CodeTooLarge, fmt.Sprintf("a document has at most %d KB", documentBytes>>10), fmt.Sprintf("文書は %d KB までです", documentBytes>>10))
	case strings.ContainsRune(text, 0):
		return nil, api.Refuse(api.CodeUnprocessable, "the text has a NUL character", "本文に NUL 文字があります")
	}
	c.s.editing.Lock()
	defer c.s.editing.Unlock()
	now, err := c.Document(ctx, p)
	switch {
	case errors.Is(err, api.NotFound) && fresh:
	case errors.Is(err, api.NotFound):
		if err := match(""); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !now.Editable:
		return nil, api.Refuse(api.CodeConflict, "it is the runbook of a rule, and written in the rule's file", "ルールの手順書のため、ルールのファイルで編集してください")
	case fresh:
		return nil, api.Refuse(api.CodeStale, "there is a document at this path", "このパスには既に文書があります")
	default:
		if err := match(now.ETag); err != nil {
			return nil, err
		}
	}
	if err := c.write(p, text); err != nil {
		return nil, err
	}
	return c.Document(ctx, p)
}

// write puts a whole file in place of what is there: who reads meanwhile sees the one or the
// other, and so does who reads after a crash.
func (c *consoleDocuments) write(p, text string) (err error) {
	if err := os.MkdirAll(DocumentsDir(c.s.config.Load()), 0o700); err != nil {
		return err
	}
	root, err := c.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // what was written is synced before
	p = filepath.FromSlash(p)
	dir := filepath.Dir(p)
	if err := root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	part := filepath.Join(dir, ".part-"+rand.Text())
	f, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(part, p)
	}
	if err != nil {
		return errors.Join(err, root.Remove(part))
	}
	return syncIn(root, dir)
}

// syncIn makes what was renamed or removed in a folder last.
func syncIn(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// DeleteDocument implements [api.Documents].
func (c *consoleDocuments) DeleteDocument(ctx context.Context, p string, match func(tag string) error) error {
	c.s.editing.Lock()
	defer c.s.editing.Unlock()
	now, err := c.Document(ctx, p)
	if err != nil {
		return err
	}
	if !now.Editable {
		return api.Refuse(api.CodeConflict, "it is the runbook of a rule, and written in the rule's file", "ルールの手順書のため、ルールのファイルで編集してください")
	}
	if err := match(now.ETag); err != nil {
		return err
	}
	root, err := c.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // what was removed is synced before
	p = filepath.FromSlash(p)
	if err := root.Remove(p); err != nil {
		return err
	}
	return syncIn(root, filepath.Dir(p))
}

// CheckDocument implements [api.Documents].
func (c *consoleDocuments) CheckDocument(ctx context.Context, p, text string) ([]api.Fault, error) {
	faults := []api.Fault{}
	if err := documentName(p); err != nil {
		var said *api.Problem
		if !errors.As(err, &said) {
			return nil, err
		}
		return append(faults, api.Fault{Line: 1, Column: 1, Reason: said.Detail, ReasonJA: said.DetailJA, Hint: said.Hint}), nil
	}
	if len(text) > documentBytes {
		faults = append(faults, api.Fault{Line: 1, Column: 1, Reason: fmt.Sprintf("a document has at most %d KB", documentBytes>>10), ReasonJA: fmt.Sprintf("文書は %d KB までです", documentBytes>>10)})
		return faults, nil
	}
	if path.Ext(p) != ".md" {
		return faults, nil
	}
	if strings.TrimSpace(text) != "" && headingOf(text) == "" {
		faults = append(faults, api.Fault{Line: 1, Column: 1, Reason: "it has no heading, so its title is the name of the file", ReasonJA: "見出しがないため、ファイル名が題名になります", Hint: "# Title"})
	}
	return append(faults, markdownFaults(p, text, func(to string) bool {
		_, err := c.Document(ctx, to)
		return err == nil
	})...), nil
}

// mostDocumentFaults is how many faults of one text are said.
const mostDocumentFaults = 50

// markdownFaults finds blocks of code that do not end, and links to documents that are not
// there.
func markdownFaults(p, text string, there func(p string) bool) (out []api.Fault) {
	fence, began, n := "", 0, 0
	for line := range strings.Lines(text) {
		n++
		trimmed := strings.TrimLeft(line, " ")
		if mark := fenceOf(trimmed); mark != "" && len(line)-len(trimmed) <= 3 {
			switch {
			case fence == "":
				fence, began = mark, n
			case mark[0] == fence[0] && len(mark) >= len(fence) && strings.TrimSpace(trimmed[len(mark):]) == "":
				fence = ""
			}
			continue
		}
		if fence != "" {
			continue
		}
		for at := 0; len(out) < mostDocumentFaults; {
			i := strings.Index(line[at:], "](")
			if i < 0 {
				break
			}
			at += i + 2
			end := strings.IndexAny(line[at:], ") \t\r\n")
			if end < 0 {
				break
			}
			link := line[at : at+end]
			to, _, _ := strings.Cut(link, "#")
			if to == "" || strings.ContainsAny(to, ":\\%") || strings.HasPrefix(to, "/") || !isDocument(to) {
				continue
			}
			if full := path.Join(path.Dir(p), to); full != p && !there(full) {
				out = append(out, api.Fault{Line: n, Column: utf8.RuneCountInString(line[:at]) + 1, Reason: fmt.Sprintf("there is no document %s", full), ReasonJA: fmt.Sprintf("文書 %s はありません", full)})
			}
		}
	}
	if fence != "" {
		out = append(out, api.Fault{Line: began, Column: 1, Reason: "the block of code does not end", ReasonJA: "コードブロックが閉じられていません", Hint: fence})
	}
	return out
}

// fenceOf is the mark that a block of code begins or ends with, "" of another line.
func fenceOf(line string) string {
	for _, c := range []string{"`", "~"} {
		if n := len(line) - len(strings.TrimLeft(line, c)); n >= 3 {
			return line[:n]
		}
	}
	return ""
}
