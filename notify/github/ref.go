package github

import (
	"fmt"
	"strconv"
	"strings"
)

// ref is where a ticket is: "acme/security#12", with "+1" behind it for one that was filed
// again after people had deleted the first.
type ref struct {
	repo    string // owner/name
	number  int
	refiled int
}

func (r ref) String() string {
	s := r.repo + "#" + strconv.Itoa(r.number)
	if r.refiled > 0 {
		s += "+" + strconv.Itoa(r.refiled)
	}
	return s
}

func (r ref) path() string { return "/repos/" + r.repo + "/issues/" + strconv.Itoa(r.number) }

func parseRef(s string) (ref, error) {
	repo, rest, ok := strings.Cut(s, "#")
	num, again, more := strings.Cut(rest, "+")
	r := ref{repo: repo}
	var err error
	if ok {
		r.number, err = strconv.Atoi(num)
	}
	if err == nil && more {
		r.refiled, err = strconv.Atoi(again)
	}
	if !ok || err != nil || r.number < 1 || r.refiled < 0 || !validRepo(repo) {
		return ref{}, fmt.Errorf("ticket %q: want owner/name#number", s)
	}
	return r, nil
}

// validRepo says whether s is owner/name in the characters that GitHub allows, so that it
// can stand in a path.
func validRepo(s string) bool {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || owner == "" || name == "" || len(s) > 141 || name == "." || name == ".." || owner == "." || owner == ".." {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '-' && c != '_' && c != '.' && c != '/' {
			return false
		}
	}
	return !strings.Contains(name, "/")
}

// validLogin says whether s can be a login of GitHub, or of a bot of an App.
func validLogin(s string) bool {
	s = strings.TrimSuffix(s, "[bot]")
	if s == "" || len(s) > 50 || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
