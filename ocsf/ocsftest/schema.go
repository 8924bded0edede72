package ocsftest

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

// version is the version of the schema in schema.txt.
const version = "1.4.0"

//go:embed schema.txt
var table string

// Schema is the part of OCSF that we write.
type Schema struct {
	base                     *group
	classes                  map[string]*group // by number
	objects, profiles, parts map[string]*group
}

// group is a class, an object or a profile.
type group struct {
	name, categoryName string
	category           int64
	attributes         map[string]*attribute
	oneOf, justOne     [][]string
}

type attribute struct {
	kind, sibling, profile string
	required, list         bool
	enum                   map[string]string // captions by number or word
}

// Load reads the table. It panics where the table is broken, which a test of this package
// rules out.
func Load() *Schema {
	s, err := parse(table)
	if err != nil {
		panic(err)
	}
	return s
}

func parse(text string) (*Schema, error) {
	s := &Schema{classes: map[string]*group{}, objects: map[string]*group{}, profiles: map[string]*group{}, parts: map[string]*group{}}
	includes := map[*group][]string{}
	var g *group
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] != ' ' {
			var err error
			if g, err = s.head(line); err != nil {
				return nil, fmt.Errorf("schema.txt:%d: %w", i+1, err)
			}
			continue
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "include":
			includes[g] = append(includes[g], rest)
			continue
		case "one":
			g.oneOf = append(g.oneOf, strings.Split(rest, ","))
			continue
		}
		name, required := strings.CutSuffix(word, "!")
		if g.attributes[name] != nil {
			return nil, fmt.Errorf("schema.txt:%d: %s stands twice", i+1, name)
		}
		g.attributes[name] = parseAttribute(rest, required)
	}
	for g, names := range includes {
		for _, name := range names {
			part := s.parts[name]
			if part == nil {
				return nil, fmt.Errorf("schema.txt: no part %s", name)
			}
			for n, a := range part.attributes {
				if g.attributes[n] == nil {
					g.attributes[n] = a
				}
			}
			g.oneOf = append(g.oneOf, part.oneOf...)
		}
	}
	return s, s.complete()
}

func (s *Schema) head(line string) (*group, error) {
	words := strings.Fields(line)
	g := &group{attributes: map[string]*attribute{}}
	if words[0] == "base" {
		s.base = g
		return g, nil
	}
	if len(words) < 2 {
		return nil, fmt.Errorf("%q has no name", line)
	}
	switch words[0] {
	case "class":
		var err error
		if g.category, err = strconv.ParseInt(words[2], 10, 64); err != nil {
			return nil, err
		}
		names := strings.Join(words[3:], " ")
		g.name, g.categoryName, _ = strings.Cut(names, " ; ")
		s.classes[words[1]] = g
	case "object":
		for _, w := range words[2:] {
			if some, ok := strings.CutPrefix(w, "one:"); ok {
				g.oneOf = append(g.oneOf, strings.Split(some, ","))
			} else if some, ok := strings.CutPrefix(w, "just:"); ok {
				g.justOne = append(g.justOne, strings.Split(some, ","))
			}
		}
		s.objects[words[1]] = g
	case "profile":
		s.profiles[words[1]] = g
	case "part":
		s.parts[words[1]] = g
	default:
		return nil, fmt.Errorf("%q begins nothing", words[0])
	}
	return g, nil
}

func parseAttribute(form string, required bool) *attribute {
	a := &attribute{required: required}
	kind, rest, _ := strings.Cut(form, " ")
	kind, a.list = strings.CutPrefix(kind, "[]")
	a.kind, a.profile, _ = strings.Cut(kind, "@")
	if strings.HasPrefix(rest, "~") {
		a.sibling, rest, _ = strings.Cut(rest[1:], " ")
	}
	if rest != "" {
		a.enum = map[string]string{}
		for one := range strings.SplitSeq(rest, "|") {
			key, caption, _ := strings.Cut(one, "=")
			a.enum[key] = caption
		}
	}
	return a
}

var scalars = " string int long float bool time ip email url mac port host json object "

// complete holds that every type that is named is there.
func (s *Schema) complete() error {
	for _, all := range []map[string]*group{s.classes, s.objects, s.profiles, {"base": s.base}} {
		for name, g := range all {
			for attr, a := range g.attributes {
				if !strings.Contains(scalars, " "+a.kind+" ") && s.objects[a.kind] == nil {
					return fmt.Errorf("schema.txt: %s.%s is a %q, which is nothing", name, attr, a.kind)
				}
				if a.sibling != "" && g.attributes[a.sibling] == nil && s.base.attributes[a.sibling] == nil {
					return fmt.Errorf("schema.txt: %s.%s has no sibling %s", name, attr, a.sibling)
				}
			}
		}
	}
	return nil
}
