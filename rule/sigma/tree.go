package sigma

import (
	"encoding/binary"
	"errors"
	"math"

	"go.yaml.in/yaml/v3"
)

// A rule file may come with its documents parsed ([rule.File.Tree]): YAML is slow to read,
// and the shipped rules are the same at every start. The form is that of this version
// alone: for each document the number of its nodes, then the nodes, each before its
// children: kind and style, tag, value, line, column and number of children. Numbers are
// varints, texts have their length before them.

// Tree parses a rule file into that form. It is empty for a file with a fault, which is
// left to the parser, so that what is said of it has its place.
func Tree(data []byte) []byte {
	docs, f := documents(data)
	if f != nil {
		return nil
	}
	var b []byte
	for _, d := range docs {
		if d.fault != nil {
			return nil
		}
		b = binary.AppendUvarint(b, uint64(countNodes(d.root)))
		b = appendNode(b, d.root)
	}
	return b
}

func countNodes(n *yaml.Node) int {
	sum := 1
	for _, c := range n.Content {
		sum += countNodes(c)
	}
	return sum
}

func appendNode(b []byte, n *yaml.Node) []byte {
	for _, x := range []uint64{uint64(n.Kind), uint64(n.Style)} {
		b = binary.AppendUvarint(b, x)
	}
	for _, s := range []string{n.Tag, n.Value} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	for _, x := range []int{n.Line, n.Column, len(n.Content)} {
		b = binary.AppendUvarint(b, uint64(max(x, 0)))
	}
	for _, c := range n.Content {
		b = appendNode(b, c)
	}
	return b
}

var errTree = errors.New("the parsed form of a rule file is broken")

// readTree reads what [Tree] wrote.
func readTree(tree []byte) (docs []parsed, err error) {
	r := &treeReader{text: string(tree)}
	for r.at < len(r.text) {
		n := r.number()
		if n <= 0 || n > maxNodes || n > len(r.text) {
			return nil, errTree
		}
		r.nodes, r.links = make([]yaml.Node, 0, n), make([]*yaml.Node, 0, n)
		root := r.node(0)
		if r.bad {
			return nil, errTree
		}
		docs = append(docs, parsed{root: root})
	}
	return docs, nil
}

type treeReader struct {
	text  string
	at    int
	bad   bool
	nodes []yaml.Node  // of one document; never grown, so that pointers hold
	links []*yaml.Node // the lists of children
}

func (r *treeReader) number() int {
	var x uint64
	for shift := 0; shift < 35; shift += 7 {
		if r.at >= len(r.text) {
			break
		}
		c := r.text[r.at]
		r.at++
		x |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if x > math.MaxInt32 {
				break
			}
			return int(x)
		}
	}
	r.bad = true
	return 0
}

func (r *treeReader) string() string {
	n := r.number()
	if n > len(r.text)-r.at {
		r.bad = true
		return ""
	}
	s := r.text[r.at : r.at+n]
	r.at += n
	return s
}

func (r *treeReader) node(depth int) *yaml.Node {
	if r.bad = r.bad || depth > 2*maxDepth || len(r.nodes) == cap(r.nodes); r.bad {
		return nil
	}
	r.nodes = append(r.nodes, yaml.Node{})
	n := &r.nodes[len(r.nodes)-1]
	kind := r.number()
	n.Style = yaml.Style(r.number()) //nolint:gosec // at most 31 bits
	n.Tag, n.Value = r.string(), r.string()
	n.Line, n.Column = r.number(), r.number()
	children := r.number()
	if r.bad = r.bad || kind > math.MaxUint8 || children > cap(r.links)-len(r.links); r.bad || children == 0 {
		n.Kind = yaml.Kind(kind & math.MaxUint8)
		return n
	}
	n.Kind = yaml.Kind(kind)
	from := len(r.links)
	r.links = r.links[:from+children]
	n.Content = r.links[from : from+children : from+children]
	for i := range n.Content {
		n.Content[i] = r.node(depth + 1)
	}
	return n
}
