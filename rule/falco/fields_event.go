package falco

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/query"
	"github.com/yagura-sec/yagura/slot"
)

// addJSONFields adds the fields of Falco's plugin json 0.7.4, with their old names.
func addJSONFields(c catalogue) {
	value := &fieldDef{arg: argKey, bind: func(pointer string) fieldDef {
		return fieldDef{paths: pointerPaths(pointer), conv: query.ConvRaw}
	}}
	obj := computed(func(in query.Input, out *query.Values) {
		raw, ok := dep(in, 0)
		if !ok {
			return
		}
		var b bytes.Buffer
		if json.Indent(&b, raw, "", "  ") == nil {
			out.Add(b.Bytes())
		}
	}, rawAt())
	rawtime := computed(func(in query.Input, out *query.Values) {
		if t := in.Meta().Time; t != 0 {
			addUint(out, uint64(t))
		}
	})
	for _, prefix := range []string{"json.", "jevt."} {
		c[prefix+"value"], c[prefix+"obj"], c[prefix+"rawtime"] = value, obj, rawtime
	}
}

// pointerPaths returns the paths of a JSON pointer. A number that is written in an
// odd way, 01 or +1, is a key of an object and an index of an array.
func pointerPaths(pointer string) []slot.Path {
	keys := pointerKeys(pointer)
	paths := []slot.Path{exact(keys...)}
	var odd bool
	indexed := exact(keys...)
	for i, k := range keys {
		if n, err := strconv.Atoi(k); err == nil && n >= 0 && strconv.Itoa(n) != k {
			indexed.Segs[i], odd = slot.Seg{Index: n, IsIndex: true}, true
		}
	}
	if odd {
		paths = append(paths, indexed)
	}
	return paths
}

// pointerKeys splits a JSON pointer. The slash at its start may be left out.
func pointerKeys(pointer string) []string {
	keys := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, k := range keys {
		keys[i] = strings.ReplaceAll(strings.ReplaceAll(k, "~1", "/"), "~0", "~")
	}
	return keys
}

// addEventFields adds the fields evt.*, which every source has. Times are in UTC.
func addEventFields(s *eventSource, opts Options) {
	c := s.fields
	constant := func(v string) *fieldDef {
		return computed(func(_ query.Input, out *query.Values) { out.AddString(v) })
	}
	at := func(layout string) *fieldDef {
		return computed(func(in query.Input, out *query.Values) {
			if t := in.Meta().Time; t != 0 {
				var buf [40]byte
				out.Add(time.Unix(0, t).UTC().AppendFormat(buf[:0], layout))
			}
		})
	}
	number := func(typ ftype, pad bool, f func(m query.Meta) (uint64, bool)) *fieldDef {
		d := computed(func(in query.Input, out *query.Values) {
			if n, ok := f(in.Meta()); ok {
				addUint(out, n)
			}
		})
		d.typ, d.pad = typ, pad
		return d
	}
	absolute := func(part func(ns uint64) uint64) func(query.Meta) (uint64, bool) {
		return func(m query.Meta) (uint64, bool) { return part(uint64(m.Time)), m.Time != 0 }
	}
	relative := func(part func(ns uint64) uint64) func(query.Meta) (uint64, bool) {
		return func(m query.Meta) (uint64, bool) {
			return part(uint64(m.Time - m.First)), m.Time != 0 && m.First != 0
		}
	}
	whole := func(ns uint64) uint64 { return ns }
	seconds := func(ns uint64) uint64 { return ns / 1e9 }
	fraction := func(ns uint64) uint64 { return ns % 1e9 }

	c["evt.num"] = number(tUint, false, func(m query.Meta) (uint64, bool) { return m.Num, true })
	c["evt.time"] = at("15:04:05.000000000")
	c["evt.time.s"] = at("15:04:05")
	c["evt.time.iso8601"] = at("2006-01-02T15:04:05.000000000-0700")
	c["evt.datetime"] = at("2006-01-02 15:04:05.000000000")
	c["evt.datetime.s"] = at("2006-01-02 15:04:05")
	c["evt.rawtime"] = number(tAbsTime, false, absolute(whole))
	c["evt.rawtime.s"] = number(tAbsTime, false, absolute(seconds))
	c["evt.rawtime.ns"] = number(tAbsTime, true, absolute(fraction))
	c["evt.reltime"] = number(tRelTime, true, relative(whole))
	c["evt.reltime.s"] = number(tRelTime, false, relative(seconds))
	c["evt.reltime.ns"] = number(tRelTime, true, relative(fraction))
	for _, name := range []string{"evt.num", "evt.reltime", "evt.reltime.s", "evt.reltime.ns"} {
		c[name].counts = true
	}
	c["evt.pluginname"] = constant(s.plugin)
	c["evt.source"] = constant(s.name)
	c["evt.is_async"] = constant("false")
	c["evt.is_async"].typ = tBool
	c["evt.asynctype"] = computed(func(query.Input, *query.Values) {})
	c["evt.hostname"] = constant(opts.Hostname)
	if opts.Hostname == "" {
		c["evt.hostname"] = computed(func(query.Input, *query.Values) {})
	}
	deps, fn := []query.Field{rawAt()}, copyFirst
	switch s.key {
	case "aws_cloudtrail":
		deps, fn = cloudtrailInfo()
	case "github":
		deps, fn = githubInfo()
	}
	c["evt.plugininfo"] = computed(fn, deps...)
	s.delivered = delivered(s.key)
}

// delivered is the field that a record has if Falco's plugin hands it to the engine.
// The plugin cloudtrail leaves records out whose time is not of RFC 3339, those
// without a type and those of Insights, k8saudit records without the time of their
// stage; the other plugins leave out none.
func delivered(source string) query.Field {
	d := computed(func(_ query.Input, out *query.Values) { out.AddString("true") })
	whole := func(in query.Input, layout string) bool {
		text, ok := depString(in, 0)
		if !ok {
			return false
		}
		_, err := time.Parse(layout, string(text))
		return err == nil
	}
	switch source {
	case "aws_cloudtrail":
		d = computed(func(in query.Input, out *query.Values) {
			kind, ok := depString(in, 2)
			if ok && string(kind) != "AwsCloudTrailInsight" && whole(in, time.RFC3339) {
				out.Add(kind)
			}
		}, slices.Concat(both("eventTime"), both("eventType"))...)
	case "k8s_audit":
		d = computed(func(in query.Input, out *query.Values) {
			if whole(in, time.RFC3339Nano) {
				out.AddString("true")
			}
		}, both("stageTimestamp")...)
	}
	return query.Field{Name: "delivered", Derive: &query.Derived{Name: "falco " + source + " delivered", Deps: d.deps, Fn: d.fn}}
}

func copyFirst(in query.Input, out *query.Values) {
	if v, ok := dep(in, 0); ok {
		out.Add(v)
	}
}
