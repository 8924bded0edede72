package sigma

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// FuzzTree: what is not a tree is refused and never crashes, and a tree of a file has the
// nodes of the file.
func FuzzTree(f *testing.F) {
	f.Add([]byte("title: a\nlist: [1, 'b', {c: ~}]\n---\nx: |\n  long\n"))
	f.Add(Tree([]byte("a: {b: [c]}\n")))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = readTree(data)
		tree := Tree(data)
		if tree == nil {
			return
		}
		got, err := readTree(tree)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := documents(data)
		if len(got) != len(want) {
			t.Fatalf("%d documents, want %d", len(got), len(want))
		}
		for i := range got {
			if d := cmp.Diff(plainNode(want[i].root), plainNode(got[i].root)); d != "" {
				t.Error(d)
			}
		}
	})
}

type plainTree struct {
	Kind         yaml.Kind
	Style        yaml.Style
	Tag, Value   string
	Line, Column int
	Content      []plainTree
}

func plainNode(n *yaml.Node) plainTree {
	p := plainTree{n.Kind, n.Style, n.Tag, n.Value, n.Line, n.Column, nil}
	for _, c := range n.Content {
		p.Content = append(p.Content, plainNode(c))
	}
	return p
}
