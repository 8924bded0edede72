package falco

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// version is major.minor.patch.
type version [3]int

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// serves says whether v can stand in for want: same major version and not older.
func (v version) serves(want version) bool {
	return v[0] == want[0] && (v[1] > want[1] || v[1] == want[1] && v[2] >= want[2])
}

func parseVersion(s string) (v version, ok bool) {
	s, _, _ = strings.Cut(s, "+")
	s, _, _ = strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 31)
		if err != nil {
			return v, false
		}
		v[i] = int(n)
	}
	return v, true
}

// engine is the version of Falco's engine that we stand in for.
func engine() version { return version{0, 62, 0} }

// plugins are the versions of Falco's plugins whose fields are here.
func plugins() map[string]version {
	return map[string]version{
		"cloudtrail":   {0, 17, 1},
		"json":         {0, 7, 4},
		"gcpaudit":     {0, 8, 0},
		"okta":         {0, 12, 0},
		"github":       {0, 9, 0},
		"k8saudit":     {0, 18, 0},
		"k8saudit-eks": {0, 12, 0},
		"k8saudit-gke": {0, 9, 0},
		"k8saudit-aks": {0, 6, 0},
		"k8saudit-ovh": {0, 6, 0},
	}
}

// engineVersion checks required_engine_version: a number N means 0.N.0.
func (l *loader) engineVersion(r reader) {
	s := r.string("required_engine_version")
	var want version
	ok := true
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		want = version{0, int(n), 0}
	} else {
		want, ok = parseVersion(s)
	}
	if !ok {
		r.fail(codeYAMLValidate, r.item, `Unable to parse engine version '%s' as a semver string. Expected "x.y.z" semver format.`, s)
	}
	if !engine().serves(want) {
		r.fail(codeValidate, r.item, "Rules require engine version %s, but engine version is %s", want, engine())
	}
}

// pluginVersions checks required_plugin_versions.
func (l *loader) pluginVersions(r reader) {
	_, list := get(r.item, "required_plugin_versions")
	if list.Kind != yaml.SequenceNode {
		r.fail(codeYAMLValidate, list, "Value of required_plugin_versions must be a sequence")
	}
	for _, n := range list.Content {
		if n = deref(n); n.Kind != yaml.MappingNode {
			r.fail(codeYAMLValidate, n, "Plugin version must be a mapping")
		}
		requirement := reader{r.src, n}
		all := []reader{requirement}
		if _, alternatives := get(n, "alternatives"); alternatives != nil {
			if alternatives.Kind != yaml.SequenceNode {
				r.fail(codeYAMLValidate, n, "Value of plugin version alternatives must be a sequence")
			}
			for _, a := range alternatives.Content {
				if a = deref(a); a.Kind != yaml.MappingNode {
					r.fail(codeYAMLValidate, a, "Plugin version alternative must be a mapping")
				}
				all = append(all, reader{r.src, a})
			}
		}
		l.onePlugin(r, n, all)
	}
}

// onePlugin checks that one of the alternatives of a requirement is met.
func (l *loader) onePlugin(r reader, at *yaml.Node, all []reader) {
	var names []string
	seen := map[string]bool{}
	met, stale := false, ""
	for _, a := range all {
		name, s := a.string("name"), a.string("version")
		want, ok := parseVersion(s)
		if !ok {
			r.fail(codeValidate, a.item, "Invalid required version '%s' for plugin '%s'", s, name)
		}
		if seen[name] {
			r.fail(codeValidate, a.item, "Defined multiple alternative version requirements for plugin '%s'", name)
		}
		seen[name] = true
		names = append(names, name+" (>= "+s+")")
		have, known := plugins()[name]
		switch {
		case known && have.serves(want):
			met = true
		case known && stale == "":
			stale = fmt.Sprintf("Plugin '%s' version '%s' is not compatible with required plugin version '%s'", name, have, want)
		}
	}
	switch {
	case met:
	case stale != "":
		r.fail(codeValidate, at, "%s", stale)
	default:
		r.fail(codeValidate, at, "Plugin requirement not satisfied, must load one of: %s", strings.Join(names, ", "))
	}
}
