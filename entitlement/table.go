package entitlement

import (
	_ "embed" // for the tables
	"strings"
)

// Kinds of permission.
const (
	Application = "application" // an app role: the application acts by itself
	Delegated   = "delegated"   // a scope: the application acts for the user who signed in
)

// Permission is an app role or delegated scope of an API.
type Permission struct {
	ID       string // "" where the log gives the name only
	Name     string // the id where no table has it
	Kind     string // Application, Delegated or "" where neither log nor table say it
	Resource string // the API's name, its application id where the name is not known, or ""
	Risk     Risk
}

// Each table is sorted by its first column, an id in lower case; lines that start with
// # come before them.
var (
	//go:embed graph.tsv
	graphTable string
	//go:embed other.tsv
	otherTable string
	//go:embed apps.tsv
	appTable string
)

const (
	graphID = "00000003-0000-0000-c000-000000000000"
	idLen   = len(graphID)
)

// Lookup returns the permission with an id. kind chooses where an app role and a scope
// share one; "" takes either. A permission that no table has is named by its id.
func Lookup(id, kind string) Permission {
	key := strings.ToLower(id)
	resource := ""
	best := []string(nil)
	for _, table := range [...]string{graphTable, otherTable} {
		for _, line := range lines(table, key) {
			f := strings.Split(line, "\t")
			if len(f) < 3 || best != nil && f[1] != kind {
				continue
			}
			best, resource = f, graphID
			if len(f) > 3 {
				resource = f[3]
			}
		}
	}
	if best == nil {
		return Permission{ID: id, Name: id, Kind: kind, Risk: Unknown}
	}
	if kind == "" {
		kind = best[1]
	}
	return Permission{ID: id, Name: best[2], Kind: kind, Resource: App(resource), Risk: rate(best[2], kind)}
}

// Named returns the permission with a name, as logs write app roles and scopes. The
// risk of a name that is in no table is unknown: applications define roles of their own.
func Named(name, kind string) Permission {
	p := Permission{Name: name, Kind: kind, Risk: Unknown}
	if known(name) {
		p.Risk = rate(name, kind)
	}
	return p
}

func known(name string) bool {
	if isSignIn(name) {
		return true
	}
	for _, table := range [...]string{graphTable, otherTable} {
		for at := 0; ; {
			i := strings.Index(table[at:], "\t"+name)
			if i < 0 {
				break
			}
			at += i + 1 + len(name)
			if at == len(table) || table[at] == '\t' || table[at] == '\n' {
				return true
			}
		}
	}
	return false
}

// Find lists the permissions of an id or a name; the name compares without regard to
// case. One name may stand for an app role and a scope, of several resources.
func Find(what string) (list []Permission) {
	for _, table := range [...]string{graphTable, otherTable} {
		for line := range strings.Lines(table) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(f) < 3 || !strings.EqualFold(f[0], what) && !strings.EqualFold(f[2], what) {
				continue
			}
			p := Lookup(f[0], f[1])
			p.Kind, p.Risk = f[1], rate(f[2], f[1])
			list = append(list, p)
		}
	}
	return list
}

// App returns the name of one of Microsoft's applications, the id where it is not known.
func App(id string) string {
	for _, line := range lines(appTable, strings.ToLower(id)) {
		_, name, _ := strings.Cut(line, "\t")
		return name
	}
	return id
}

// lines returns the lines of a table that start with an id.
func lines(table, id string) (found []string) {
	if len(id) != idLen {
		return nil
	}
	low, high := 0, len(table) // the start of a line, and of one behind those that may be before id
	for low < high {
		start := low + (high-low)/2
		start = low + strings.LastIndexByte(table[low:start], '\n') + 1
		end := start + strings.IndexByte(table[start:], '\n') + 1
		if table[start:min(start+idLen, end)] < id {
			low = end
		} else {
			high = start
		}
	}
	for rest := table[low:]; strings.HasPrefix(rest, id); {
		line, after, _ := strings.Cut(rest, "\n")
		found, rest = append(found, line), after
	}
	return found
}
