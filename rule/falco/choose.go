package falco

import (
	"fmt"
	"slices"
	"strings"
)

// choose enables and disables rules as falco.yaml says.
func (l *loader) choose() {
	if l.opts.Config == nil {
		return
	}
	for _, sel := range l.opts.Config.Selections {
		found := false
		for _, d := range l.ruleOrder {
			if sel.means(d) {
				d.enabled, found = sel.Enable, true
			}
		}
		if !found {
			l.warn("", "", fmt.Sprintf("no rule has the %s that falco.yaml names", sel.kind()), "", sel.at)
		}
	}
}

func (s Selection) kind() string {
	if s.Tag != "" {
		return "tag '" + s.Tag + "'"
	}
	return "name '" + s.Rule + "'"
}

func (s Selection) means(d *ruleDef) bool {
	if s.Tag != "" {
		return slices.Contains(d.tags, s.Tag)
	}
	return matchStars(s.Rule, d.name)
}

// matchStars says whether a name is what a pattern spells, in which a star stands for
// any text.
func matchStars(pattern, name string) bool {
	pieces := strings.Split(pattern, "*")
	name, ok := strings.CutPrefix(name, pieces[0])
	if !ok || len(pieces) == 1 {
		return ok && name == ""
	}
	last := pieces[len(pieces)-1]
	for _, p := range pieces[1 : len(pieces)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return strings.HasSuffix(name, last)
}

// priorityRank is the place of a priority among all, the most severe first; negative
// for a word that is none.
func priorityRank(priority string) int {
	priority = strings.ToLower(priority)
	if priority == "info" {
		priority = "informational"
	}
	return slices.Index(priorities(), priority)
}

// tooLow says whether falco.yaml leaves a rule out for its priority.
func (l *loader) tooLow(d *ruleDef) bool {
	c := l.opts.Config
	return c != nil && c.Priority != "" && priorityRank(d.priority) > priorityRank(c.Priority)
}

// sayLow says how many rules were left out for their priority.
func (l *loader) sayLow(n int) {
	if n > 0 {
		l.warn("", "", fmt.Sprintf("priority '%s' leaves out %d less severe %s", l.opts.Config.Priority, n, plural(n, "rule")), "", l.opts.Config.priorityAt)
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// withExtra returns the output of a rule and what falco.yaml adds to it.
func (l *loader) withExtra(d *ruleDef) text {
	if l.opts.Config == nil {
		return d.output.text()
	}
	out := glued(d.output.text())
	for _, x := range l.opts.Config.ExtraOutputs {
		has := func(tag string) bool { return slices.Contains(d.tags, tag) }
		if x.Source != "" && x.Source != d.source || x.Rule != "" && x.Rule != d.name ||
			slices.ContainsFunc(x.Tags, func(tag string) bool { return !has(tag) }) {
			continue
		}
		out.then(x.text)
	}
	return out.text()
}
