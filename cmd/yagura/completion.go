package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/yagura-sec/yagura/coverage"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is the text below the usage of completion.
func (completionCmd) Help() string {
	return `
Examples:

    source <(yagura completion bash)                               # this shell
    yagura completion bash > /etc/bash_completion.d/yagura         # every shell
    yagura completion zsh > "${fpath[1]}/_yagura"
    yagura completion fish > ~/.config/fish/completions/yagura.fish
`
}

// The scripts ask the program itself what may follow, one candidate per line, so that
// they never fall behind it. An empty answer means files.
var completionScripts = map[string]string{
	"bash": `_yagura() {
  local IFS=$'\n'
  COMPREPLY=($(yagura __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [ ${#COMPREPLY[@]} -eq 0 ]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}"))
  fi
}
complete -F _yagura yagura
`,
	"zsh": `#compdef yagura
_yagura() {
  local -a found
  found=("${(@f)$(yagura __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -a found; else compset -P '--*='; _files; fi
}
if [ "$funcstack[1]" = "_yagura" ]; then _yagura "$@"; else compdef _yagura yagura; fi
`,
	"fish": `function __yagura_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (yagura __complete $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c yagura -f -a '(__yagura_complete)'
`,
}

// Run prints the script.
func (c *completionCmd) Run(env *environment) error {
	_, err := io.WriteString(env.stdout, completionScripts[c.Shell])
	return err
}

type completeCmd struct {
	Words []string `arg:"" optional:""`
}

// Run prints what may stand in the place of the last word.
func (c *completeCmd) Run(env *environment) error {
	for _, w := range candidates(env.parser.Model.Node, c.Words) {
		if _, err := fmt.Fprintln(env.stdout, w); err != nil {
			return err
		}
	}
	return nil
}

// candidates lists what may stand in the place of the last of words; nothing means a file.
func candidates(node *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	words = joinEquals(words)
	last := words[len(words)-1]
	var waiting *kong.Flag // whose value comes next
	for _, w := range words[:len(words)-1] {
		if waiting != nil {
			waiting = nil
			continue
		}
		if f := flagNamed(node, w); f != nil && !f.IsBool() && !strings.Contains(w, "=") {
			waiting = f
		}
		for _, child := range node.Children {
			if child.Name == w && !child.Hidden {
				node = child
			}
		}
	}
	var all []string
	switch {
	case waiting != nil:
		all = values(waiting)
	case strings.HasPrefix(last, "-") && strings.Contains(last, "="):
		return valuesAfterEquals(node, last)
	case strings.HasPrefix(last, "-"):
		for at := node; at != nil; at = at.Parent {
			for _, f := range at.Flags {
				if !f.Hidden {
					all = append(all, "--"+f.Name)
				}
			}
		}
	case len(node.Children) > 0:
		for _, child := range node.Children {
			if !child.Hidden {
				all = append(all, child.Name)
			}
		}
	case len(node.Positional) > 0:
		for v := range strings.SplitSeq(node.Positional[0].Enum, ",") {
			all = append(all, v)
		}
	}
	var out []string
	for _, v := range all {
		if v != "" && strings.HasPrefix(v, last) && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// joinEquals makes of --format = j, as bash cuts it, the value j after --format.
func joinEquals(words []string) []string {
	var out []string
	for i, w := range words {
		if w == "=" && i > 0 && strings.HasPrefix(words[i-1], "-") {
			if i == len(words)-1 {
				out = append(out, "")
			}
			continue
		}
		out = append(out, w)
	}
	return out
}

// valuesAfterEquals lists the whole words --flag=value that word may become.
func valuesAfterEquals(node *kong.Node, word string) []string {
	f := flagNamed(node, word)
	if f == nil {
		return nil
	}
	name, begun, _ := strings.Cut(word, "=")
	var out []string
	for _, v := range values(f) {
		if v != "" && strings.HasPrefix(v, begun) {
			out = append(out, name+"="+v)
		}
	}
	slices.Sort(out)
	return out
}

func flagNamed(node *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(word, "=")
	for at := node; at != nil; at = at.Parent {
		for _, f := range at.Flags {
			if name == "--"+f.Name || f.Short != 0 && name == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

func values(f *kong.Flag) []string {
	switch {
	case f.Enum != "":
		return strings.Split(f.Enum, ",")
	case f.PlaceHolder == "LEVEL":
		return []string{"critical", "high", "medium", "low", "none"}
	case f.Name == "standard":
		return coverage.Standards()
	}
	return nil
}
