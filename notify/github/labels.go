package github

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// ourLabel is on every issue that we file; lists are asked for by it.
const ourLabel = "yagura"

// managed are the beginnings of labels that follow the issue by themselves. What people do
// with them at GitHub is not taken over, but for conclusions.
var managed = [...]string{"severity/", "cloud/", "attack/", "status/"}

func isManaged(label string) bool {
	low := strings.ToLower(label)
	if low == ourLabel {
		return true
	}
	for _, p := range managed {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	return false
}

const conclusionLabel = "conclusion/"

// labelColour is the colour of a label that we make.
func labelColour(name string) (colour, description string) {
	switch name {
	case ourLabel:
		return "1d3557", "Filed by Yagura"
	case "severity/critical":
		return "b60205", "緊急"
	case "severity/high":
		return "d93f0b", "高"
	case "severity/medium":
		return "fbca04", "中"
	case "severity/low":
		return "0e8a16", "低"
	case "severity/none":
		return "c5def5", "対応不要"
	case "status/acknowledged":
		return "5319e7", "Somebody is on it"
	case "status/flapping":
		return "e99695", "It opens and closes again and again"
	}
	switch {
	case strings.HasPrefix(name, "cloud/"):
		return "bfd4f2", "Where it happened"
	case strings.HasPrefix(name, "attack/"):
		return "d4c5f9", "MITRE ATT&CK technique"
	case strings.HasPrefix(name, conclusionLabel):
		return "c2e0c6", "What it was found to be"
	}
	return "ededed", ""
}

// clouds are the beginnings of formats by cloud.
var clouds = map[string]string{"aws": "cloud/aws", "entra": "cloud/azure", "azure": "cloud/azure", "gcp": "cloud/google",
	"google": "cloud/google", "k8s": "cloud/kubernetes", "kubernetes": "cloud/kubernetes", "falco": "cloud/kubernetes"}

// wanted lists the labels that an issue shall have.
func wanted(i *yagura.Issue) []string {
	out := []string{ourLabel}
	add := func(l string) {
		if l = cleanLabel(l); l != "" && len(out) < 50 && !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, l) }) {
			out = append(out, l)
		}
	}
	if i.Severity.String() != "" {
		add("severity/" + i.Severity.String())
	}
	family, _, _ := strings.Cut(i.Format, ".")
	if c := clouds[family]; c != "" {
		add(c)
	} else if family != "" {
		add("cloud/" + family)
	}
	tech := notify.Techniques(i.Rule.Tags)
	for _, t := range tech[:min(len(tech), 10)] {
		add("attack/" + t)
	}
	if i.Status == yagura.StatusAcknowledged {
		add("status/acknowledged")
	}
	if i.Flapping {
		add("status/flapping")
	}
	if i.Conclusion != "" {
		add(conclusionLabel + string(i.Conclusion))
	}
	for _, l := range i.Labels {
		if !isManaged(l) {
			add(l)
		}
	}
	return out
}

// cleanLabel makes a label's name that GitHub takes: at most 50 characters, one line.
func cleanLabel(s string) string {
	s = notify.Line(notify.Mask(s))
	s = strings.TrimSpace(strings.ReplaceAll(s, ",", " "))
	for utf8.RuneCountInString(s) > 50 {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

// labelSet are the labels that a repository has, in lower case.
type labelSet struct {
	names map[string]bool
	at    time.Time
}

// makeLabels makes labels that a repository lacks, with their colours.
func (s *Sink) makeLabels(ctx context.Context, repo string, names []string) error {
	key := strings.ToLower(repo)
	s.mu.Lock()
	set, ok := s.labels[key]
	missing := missing(set, names)
	s.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	if !ok || s.o.Now().Sub(set.at) > time.Hour {
		set = labelSet{names: map[string]bool{}, at: s.o.Now()}
		c := call{method: http.MethodGet, path: "/repos/" + repo + "/labels", query: url.Values{"per_page": {"100"}}, repo: repo}
		err := pages(ctx, s, c, func(list []apiLabel) (bool, error) {
			for _, l := range list {
				set.names[strings.ToLower(l.Name)] = true
			}
			return len(set.names) < 20_000, nil
		})
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.labels[key] = set
		s.mu.Unlock()
	}
	for _, name := range names {
		s.mu.Lock()
		has := s.labels[key].names[strings.ToLower(name)]
		s.mu.Unlock()
		if has {
			continue
		}
		colour, about := labelColour(name)
		body := map[string]any{"name": name, "color": colour}
		if about != "" {
			body["description"] = about
		}
		err := s.do(ctx, call{method: http.MethodPost, path: "/repos/" + repo + "/labels", body: body, repo: repo, safe: true}, nil)
		var e *apiError
		if errors.As(err, &e) && e.status == http.StatusUnprocessableEntity {
			err = nil // there already, or GitHub will not have it: then it says so below
		}
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.labels[key].names[strings.ToLower(name)] = true
		s.mu.Unlock()
	}
	return nil
}

func missing(set labelSet, names []string) []string {
	var out []string
	for _, n := range names {
		if !set.names[strings.ToLower(n)] {
			out = append(out, n)
		}
	}
	return out
}

func fold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(o string) bool { return strings.EqualFold(o, s) })
}

// labelChange says what to add to and take from an issue so that it has the labels that it
// shall have. What people added stays; what was ours and is wanted no more goes.
func labelChange(actual []apiLabel, want []string, before wish) (add, remove []string) {
	for _, w := range want {
		if !slices.ContainsFunc(actual, func(l apiLabel) bool { return strings.EqualFold(l.Name, w) }) {
			add = append(add, w)
		}
	}
	for _, l := range actual {
		if !fold(want, l.Name) && (isManaged(l.Name) || fold(before.Labels, l.Name) || fold(before.Drop, l.Name)) {
			remove = append(remove, l.Name)
		}
	}
	return add, remove
}

// maxLabels is how many labels GitHub lets an issue have.
const maxLabels = 100

// setLabels brings an issue's labels, of which it has so many, to what they shall be. Where
// people put so many on it that there is no room for all of ours, the first of ours come.
func (s *Sink) setLabels(ctx context.Context, r ref, have int, add, remove []string) error {
	add = add[:min(len(add), max(0, maxLabels-have+len(remove)))]
	if have+len(add) > maxLabels {
		if err := s.dropLabels(ctx, r, remove); err != nil {
			return err
		}
		remove = nil
	}
	if len(add) > 0 {
		if err := s.makeLabels(ctx, r.repo, add); err != nil {
			return err
		}
		c := call{method: http.MethodPost, path: r.path() + "/labels", body: map[string]any{"labels": add}, repo: r.repo, safe: true}
		if err := s.do(ctx, c, nil); err != nil {
			return err
		}
	}
	return s.dropLabels(ctx, r, remove)
}

func (s *Sink) dropLabels(ctx context.Context, r ref, remove []string) error {
	for _, l := range remove {
		err := s.do(ctx, call{method: http.MethodDelete, path: r.path() + "/labels/" + url.PathEscape(l), repo: r.repo, safe: true}, nil)
		var e *apiError
		if errors.As(err, &e) && e.status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// login returns the GitHub account of an assignee, "" when none is known.
func (s *Sink) login(assignee string) string {
	if assignee == "" {
		return ""
	}
	for name, login := range s.o.People {
		if strings.EqualFold(name, assignee) {
			return login
		}
	}
	name := assignee
	if via, rest, ok := strings.Cut(assignee, ":"); ok {
		if via != "github" && via != s.o.Name {
			return ""
		}
		name = rest
	}
	name = strings.TrimPrefix(name, "@")
	if !validLogin(name) {
		return ""
	}
	return name
}

// setAssignee brings an issue's assignees to what they shall be; known is false when GitHub
// did not take the login.
func (s *Sink) setAssignee(ctx context.Context, r ref, i *apiIssue, login string, before wish) (known bool, err error) {
	known = true
	if login != "" && !i.assigned(login) {
		var after apiIssue
		c := call{method: http.MethodPost, path: r.path() + "/assignees", body: map[string]any{"assignees": []string{login}}, repo: r.repo, safe: true}
		err := s.do(ctx, c, &after)
		var e *apiError
		if errors.As(err, &e) && e.status == http.StatusUnprocessableEntity {
			err = nil
		}
		if err != nil {
			return false, err
		}
		// GitHub ignores in silence whom it cannot assign.
		known = after.assigned(login)
	}
	var leave []string
	for _, old := range append([]string{before.Assignee}, before.Leave...) {
		if old != "" && !strings.EqualFold(old, login) && i.assigned(old) && !fold(leave, old) {
			leave = append(leave, old)
		}
	}
	if len(leave) > 0 {
		c := call{method: http.MethodDelete, path: r.path() + "/assignees", body: map[string]any{"assignees": leave}, repo: r.repo, safe: true}
		if err := s.do(ctx, c, nil); err != nil {
			return known, err
		}
	}
	return known, nil
}
