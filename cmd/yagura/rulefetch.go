package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/pack"
	"github.com/yagura-sec/yagura/report"
)

type ruleFetchCmd struct {
	Into   string   `default:"packs" placeholder:"FOLDER" help:"Folder of packs; each has a folder of its own there."`
	Name   string   `placeholder:"NAME" help:"Name of the pack's folder; without it, the known name or the last word of the address."`
	Ref    string   `placeholder:"REF" help:"Branch, tag or commit; tag or digest of an artifact."`
	Path   []string `placeholder:"PATH" help:"Folder or file to take, with * for any name; may be given more than once."`
	Sum    string   `placeholder:"sha256:…" help:"Checksum that the files must have."`
	Update bool     `help:"Take what is published now, in place of what is locked."`
	Force  bool     `help:"Throw away what was changed in the pack's folder."`
	Verify bool     `help:"Ask nobody: hold the files against their lock."`
	List   bool     `help:"List the packs that have a name here."`
	Lang   string   `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language; without it, that of LANG."`
	Packs  []string `arg:"" optional:"" name:"pack" help:"A known name, the https:// address of a git repository, or oci://host/repository[:tag|@digest], or the name of a folder that was fetched."`
}

// Help is the text below the usage of rule fetch.
func (ruleFetchCmd) Help() string {
	return `
Fetches rules that others publish into a folder of yours, with their licences, and locks them: pack.lock.json beside them says the commit or digest and a checksum over all files. A locked pack is fetched as it was, or refused; --update moves it, and says what became different. Where files of the pack were changed by hand, or others lie among them, they are named and nothing is fetched; --force throws them away.

Examples:

    yagura rule fetch sigma                       # into packs/sigma
    yagura rule fetch https://git.example.com/acme/rules --ref v3 --path rules/cloud
    yagura rule fetch oci://ghcr.io/falcosecurity/rules/cloudtrail-rules:latest
    yagura rule fetch --update sigma
    yagura rule fetch --verify sigma
    yagura scan --rules shipped --rules packs/sigma logs/
` + exitHelp
}

// Run fetches.
func (c *ruleFetchCmd) Run(env *environment) error {
	ja := env.japanese(c.Lang, "")
	if c.List {
		rows := [][]string{strings.Split(in(ja, "NAME,FROM,PATHS", "名前,取得元,パス"), ",")}
		for _, p := range pack.KnownPacks() {
			rows = append(rows, []string{p.Name, p.String(), cmp.Or(strings.Join(p.Paths, ", "), "*")})
		}
		return report.WriteColumns(env.stdout, rows)
	}
	if len(c.Packs) == 0 {
		return usage("which pack? (yagura rule fetch --list names the known ones)")
	}
	if len(c.Packs) > 1 && (c.Name != "" || c.Ref != "" || c.Sum != "" || c.Path != nil) {
		return usage("--name, --ref, --path and --sum are about one pack")
	}
	for _, what := range c.Packs {
		p, err := c.pack(what)
		if err != nil {
			return usage("%w", err)
		}
		if c.Verify {
			err = c.verify(env, p, ja)
		} else {
			err = c.fetch(env, p, ja)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pack is what a word names: a pack that has a name here, or one that was fetched.
func (c *ruleFetchCmd) pack(what string) (pack.Pack, error) {
	if _, known := pack.Known(what); !known && c.Name == "" {
		switch p, err := pack.Installed(c.Into, what); {
		case err == nil:
			paths := c.Path
			if paths == nil {
				paths = p.Paths
			}
			return pack.Parse(p.String(), p.Name, cmp.Or(c.Ref, p.Ref), paths)
		case !errors.Is(err, fs.ErrNotExist):
			return pack.Pack{}, err
		}
	}
	return pack.Parse(what, c.Name, c.Ref, c.Path)
}

func (c *ruleFetchCmd) verify(env *environment, p pack.Pack, ja bool) error {
	folder := p.Folder(c.Into)
	if _, err := pack.ReadLock(folder); errors.Is(err, fs.ErrNotExist) {
		return &exitError{exitFailOn, fmt.Errorf(in(ja, "%s: the pack was never fetched (hint: without --verify it is)", "%s: このパックはまだ取得されていません (hint: --verify を付けずに実行すると取得します)"), folder)}
	}
	faults := pack.Verify(folder)
	for _, f := range faults {
		fmt.Fprintf(env.stdout, "%s: %s\n", report.Escape(folder), report.Escape(f))
	}
	if len(faults) > 0 {
		return &exitError{exitFailOn, errors.New(in(ja, "the pack is not what its lock says", "パックの内容がロックファイルと一致しません"))}
	}
	fmt.Fprintf(env.stdout, in(ja, "%s: as locked\n", "%s: ロックファイルと一致しています\n"), report.Escape(folder))
	return nil
}

func (c *ruleFetchCmd) fetch(env *environment, p pack.Pack, ja bool) error {
	o := pack.Options{Into: c.Into, Pack: p, Sum: c.Sum, Update: c.Update, Force: c.Force, Now: env.now}
	if isTerminal(env.stderr) {
		o.Progress = escaped{env.stderr}
	}
	fmt.Fprintf(env.stderr, in(ja, "fetching %s from %s\n", "%s を %s から取得しています\n"), p.Name, report.Escape(p.String()))
	done, err := pack.Fetch(env.ctx, o)
	if err != nil {
		if env.ctx.Err() != nil {
			return &exitError{exitInterrupted, errors.New(in(ja, "interrupted: nothing was changed", "中断しました。何も変更していません"))}
		}
		if changes := (*pack.LocalChanges)(nil); errors.As(err, &changes) {
			return &exitError{exitUsage, err}
		}
		return &exitError{exitNothing, err}
	}
	l := &done.Lock
	out := func(english, japanese, format string, args ...any) {
		fmt.Fprintf(env.stdout, "  %s %s\n", in(ja, english, japanese), report.Escape(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintln(env.stdout, report.Escape(done.Folder))
	out("version ", "バージョン  ", "%s", l.Version)
	out("checksum", "チェックサム", "%s", l.Sum)
	if len(l.Licences) == 0 {
		out("licence ", "ライセンス  ", "%s", in(ja, "none is said: ask its publisher before you use it", "明記されていません。利用前に公開元へ確認してください"))
	}
	for _, x := range l.Licences {
		where := ""
		if x.File != "" {
			where = " (" + x.File + ")"
		}
		out("licence ", "ライセンス  ", "%s%s", x.Name, where)
	}
	change := in(ja, "nothing new", "変更なし")
	if !done.Present {
		change = fmt.Sprintf(in(ja, "%d added, %d changed, %d removed", "追加 %d、変更 %d、削除 %d"), len(done.Added), len(done.Changed), len(done.Removed))
	}
	out("files   ", "ファイル    ", "%s: %s", strconv.Itoa(len(l.Files)), change)
	rules, err := app.LoadRules(app.RuleOptions{Paths: []string{done.Folder}, Placeholders: map[string][]string{}})
	if err != nil {
		return &exitError{exitUsage, err}
	}
	out("rules   ", "ルール      ", in(ja, "%d loaded, %d refused (yagura rule check %s)", "読み込み %d、拒否 %d (yagura rule check %s)"), len(rules.All()), rules.Refused(), done.Folder)
	return nil
}

// escaped writes what another machine said so that it cannot steer the terminal.
type escaped struct{ w io.Writer }

func (e escaped) Write(p []byte) (int, error) {
	for line := range strings.FieldsFuncSeq(string(p), func(r rune) bool { return r == '\r' || r == '\n' }) {
		if _, err := fmt.Fprintln(e.w, "  "+report.Escape(line)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
