package falco

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of one rule file.
const (
	maxFile  = 16 << 20
	maxItems = 100_000
	maxDocs  = 1000
	maxNames = 10_000    // lists, and macros, of one load
	maxTree  = 2_000_000 // values of one file, aliases written out
)

// entry is one item of a rule file's list.
type entry struct {
	src  *source
	node *yaml.Node
}

// fault is something wrong in a rule file.
type fault struct {
	code, msg, hint string
	at              place
}

func (f *fault) Error() string { return f.msg }

// readEntries reads the items of a file. A file that is not YAML is read item by
// item, so that the good ones are not lost with the bad one.
func readEntries(path string, data []byte) (items []entry, faults []*fault) {
	whole := &source{path: path, data: data}
	top := func(code, msg, hint string) *fault {
		return &fault{code, msg, hint, whole.nodeAt(&yaml.Node{Line: 1, Column: 1})}
	}
	if len(data) > maxFile {
		return nil, []*fault{top(codeYAMLParse, fmt.Sprintf("rule file is larger than %d MB", maxFile>>20), "split it")}
	}
	items, f := parseDocuments(whole)
	if f == nil || f.code != codeYAMLParse {
		if f != nil {
			faults = append(faults, f)
		}
		return items, faults
	}
	items = nil
	chunks := splitItems(path, data)
	if len(chunks) < 2 {
		return nil, []*fault{f}
	}
	for _, chunk := range chunks {
		part, f := parseDocuments(chunk)
		if f != nil {
			faults = append(faults, f)
			continue
		}
		items = append(items, part...)
	}
	return items, faults
}

// parseDocuments reads the YAML documents of one text.
func parseDocuments(src *source) ([]entry, *fault) {
	var items []entry
	left := maxTree
	dec := yaml.NewDecoder(bytes.NewReader(src.data))
	for n := 0; ; n++ {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			line := errorLine(err)
			at := src.nodeAt(&yaml.Node{Line: max(line, 1), Column: 1})
			return items, &fault{codeYAMLParse, "yaml: " + cutPrefixLine(err.Error()), "", at}
		}
		if n >= maxDocs || len(items) > maxItems {
			return items, &fault{codeYAMLValidate, "rule file has too many documents or items", "split it", src.nodeAt(&doc)}
		}
		if len(doc.Content) == 0 {
			continue
		}
		root := deref(doc.Content[0])
		switch {
		case isNull(root):
			continue
		case root.Kind != yaml.SequenceNode && root.Kind != yaml.MappingNode:
			return items, &fault{codeYAMLValidate, "Rules content is not yaml", "", src.nodeAt(root)}
		case root.Kind != yaml.SequenceNode:
			return items, &fault{
				codeYAMLValidate, "Rules content is not yaml array of objects",
				"begin each item with - at the start of the line", src.nodeAt(root),
			}
		}
		for _, item := range root.Content {
			if left = spend(item, left, 0); left < 0 {
				return items, &fault{
					codeYAMLValidate, fmt.Sprintf("rule file has more than %d values with its aliases", maxTree), "split it",
					src.nodeAt(item),
				}
			}
			if item = deref(item); !isNull(item) {
				items = append(items, entry{src, item})
			}
		}
	}
}

// spend takes the values of a tree, aliases written out, from what is left; negative
// when that is not enough, or an alias stands inside itself.
func spend(n *yaml.Node, left, depth int) int {
	if left--; depth > maxNesting {
		return -1
	}
	if n.Kind == yaml.AliasNode {
		return spend(n.Alias, left, depth+1)
	}
	for _, kid := range n.Content {
		if left < 0 {
			break
		}
		left = spend(kid, left, depth+1)
	}
	return left
}

// splitItems cuts a file at the lines that begin an item of the outermost list.
func splitItems(path string, data []byte) []*source {
	var chunks []*source
	start, line, startLine := 0, 0, 0
	flush := func(end int) {
		if len(bytes.TrimSpace(data[start:end])) > 0 {
			chunks = append(chunks, &source{path: path, data: data[start:end], line: startLine})
		}
		start, startLine = end, line
	}
	for pos := 0; pos < len(data); {
		rest := data[pos:]
		if pos > start && (bytes.HasPrefix(rest, []byte("- ")) || bytes.HasPrefix(rest, []byte("---"))) && len(chunks) < maxItems {
			flush(pos)
		}
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		pos += i + 1
		line++
	}
	flush(len(data))
	return chunks
}

// errorLine finds the line in an error of the YAML reader, which says it in words only.
func errorLine(err error) int {
	_, rest, ok := strings.Cut(err.Error(), "line ")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, ":")
	n, _ := strconv.Atoi(digits)
	return n
}

// cutPrefixLine drops "yaml: line 5: " from an error text.
func cutPrefixLine(s string) string {
	s = strings.TrimPrefix(s, "yaml: ")
	if rest, ok := strings.CutPrefix(s, "line "); ok {
		if _, after, ok := strings.Cut(rest, ": "); ok {
			return after
		}
	}
	return s
}

// deref follows aliases.
func deref(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n == nil || n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// get returns key and value of a mapping; of equal keys the first counts.
func get(n *yaml.Node, key string) (k, v *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := deref(n.Content[i]); k.Kind == yaml.ScalarNode && k.Value == key {
			return k, deref(n.Content[i+1])
		}
	}
	return nil, nil
}

// reader decodes the values of one item and collects its faults by panicking with
// a *fault, which catch turns into an error.
type reader struct {
	src  *source
	item *yaml.Node
}

func (r reader) fail(code string, n *yaml.Node, format string, args ...any) {
	panic(&fault{code: code, msg: fmt.Sprintf(format, args...), at: r.src.nodeAt(n)})
}

// catch runs f and returns the fault that it ended with.
func catch(f func()) (bad *fault) {
	defer func() {
		if x := recover(); x != nil {
			var ok bool
			if bad, ok = x.(*fault); !ok {
				panic(x)
			}
		}
	}()
	f()
	return nil
}

func (r reader) has(key string) bool {
	_, v := get(r.item, key)
	return v != nil
}

// at returns the place of a key.
func (r reader) at(key string) place {
	if k, _ := get(r.item, key); k != nil {
		return r.src.nodeAt(k)
	}
	return r.src.nodeAt(r.item)
}

// scalar returns the scalar of a key as a fragment.
func (r reader) scalar(key string) *fragment {
	k, v := get(r.item, key)
	switch {
	case k == nil:
		r.fail(codeYAMLValidate, r.item, "Item has no mapping for key '%s'", key)
	case isNull(v):
		r.fail(codeYAMLValidate, k, "Mapping for key '%s' is empty", key)
	case v.Kind != yaml.ScalarNode:
		r.fail(codeYAMLValidate, v, "Value is not a scalar value")
	case v.Value == "":
		r.fail(codeYAMLValidate, v, "Value must be non-empty")
	}
	return &fragment{file: r.src, node: v, value: v.Value}
}

func (r reader) text(key string) text     { return newText(r.scalar(key)) }
func (r reader) string(key string) string { return r.scalar(key).value }

// flag reads a boolean in any of YAML's spellings.
func (r reader) flag(key string) bool {
	f := r.scalar(key)
	switch strings.ToLower(f.value) {
	case "y", "yes", "true", "on":
		return true
	case "n", "no", "false", "off":
		return false
	}
	r.fail(codeYAMLValidate, f.node, "Can't decode YAML scalar value")
	return false
}

func (r reader) flagOr(key string, otherwise bool) bool {
	if !r.has(key) {
		return otherwise
	}
	return r.flag(key)
}

// strings reads a list of scalars.
func (r reader) strings(key string) []string {
	_, v := get(r.item, key)
	if v == nil {
		r.fail(codeYAMLValidate, r.item, "Item has no mapping for key '%s'", key)
	}
	if v.Kind != yaml.SequenceNode {
		r.fail(codeYAMLValidate, v, "Value is not a sequence")
	}
	out := make([]string, 0, len(v.Content))
	for _, n := range v.Content {
		if n = deref(n); n.Kind != yaml.ScalarNode {
			r.fail(codeYAMLValidate, n, "sequence value is not scalar")
		}
		out = append(out, n.Value)
	}
	return out
}
