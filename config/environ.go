package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

const prefix = "YAGURA_"

// Variables lists the environment variables that are read, sorted. They are the
// paths of the scalar and list keys of [Config]; maps are set in a file only.
func Variables() []string {
	var names []string
	var c Config
	eachVariable(reflect.ValueOf(&c).Elem(), "", func(name, _ string, v reflect.Value) {
		names = append(names, name)
		if v.Type() == reflect.TypeFor[Secret]() {
			names = append(names, name+"_FILE")
		}
	})
	slices.Sort(names)
	return names
}

// notSettings are variables of the same prefix that other places read.
var notSettings = [...]string{"YAGURA_CONFIG", "YAGURA_CPUPROFILE", "YAGURA_MEMPROFILE",
	"YAGURA_SERVER", "YAGURA_TOKEN", "YAGURA_CLIENT_CERT", "YAGURA_CLIENT_KEY", "YAGURA_CA"}

// decodeEnviron sets what the environment names. An unknown YAGURA_ variable is a fault.
func decodeEnviron(environ []string, c *Config, at places) (bad faults) {
	given := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, prefix) && !slices.Contains(notSettings[:], name) {
			given[name] = value
		}
	}
	eachVariable(reflect.ValueOf(c).Elem(), "", func(name, path string, v reflect.Value) {
		if value, ok := given[name+"_FILE"]; ok && v.Type() == reflect.TypeFor[Secret]() {
			delete(given, name+"_FILE")
			at[path] = name + "_FILE"
			v.SetString("") // over the file's
			if err := setSecretFile(v, value); err != nil {
				bad = append(bad, &Fault{Where: name + "_FILE", Reason: err.Error()})
			}
		}
		value, ok := given[name]
		if !ok {
			return
		}
		delete(given, name)
		at[path] = name
		if v.Kind() == reflect.Pointer {
			p := reflect.New(v.Type().Elem())
			v.Set(p)
			v = p.Elem()
		}
		if v.Kind() == reflect.Slice {
			var list []string
			for item := range strings.SplitSeq(value, ",") {
				if item = strings.TrimSpace(item); item != "" {
					list = append(list, item)
				}
			}
			v.Set(reflect.ValueOf(list))
			return
		}
		if err := setScalar(v, value); err != nil {
			bad = append(bad, &Fault{Where: name, Reason: err.Error()})
		}
	})
	for _, name := range slices.Sorted(maps.Keys(given)) {
		hint := "see yagura scan --help for the variables that are read"
		if near := nearest(name, Variables()); near != "" {
			hint = "did you mean " + near + "?"
		}
		bad = append(bad, &Fault{Where: name, Reason: "unknown environment variable", Hint: hint})
	}
	return bad
}

// eachVariable calls each with the variable, the key and the value of every setting below path.
func eachVariable(v reflect.Value, path string, each func(name, path string, v reflect.Value)) {
	for i, key := range keys(v.Type()) {
		f, full := v.Field(i), join(path, key)
		switch f.Kind() {
		case reflect.Struct:
			eachVariable(f, full, each)
		case reflect.Map:
		case reflect.Slice:
			if f.Type().Elem().Kind() == reflect.Struct {
				continue // set in a file only
			}
			each(prefix+strings.ToUpper(strings.ReplaceAll(full, ".", "_")), full, f)
		default:
			each(prefix+strings.ToUpper(strings.ReplaceAll(full, ".", "_")), full, f)
		}
	}
}
