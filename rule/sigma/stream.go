package sigma

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/yagura-sec/yagura/query"
)

// parsed is one YAML document, or why it cannot be read.
type parsed struct {
	root  *yaml.Node
	fault *fault
}

// documents parses the YAML documents of a file. A document that is not YAML is
// lost alone. What was read before a fault of the file is returned with it.
func documents(data []byte) ([]parsed, *fault) {
	if len(data) > maxFile {
		return nil, faultAt(query.Span{}, "split the file", "the file has %d bytes; at most %d are read", len(data), maxFile)
	}
	data = withoutVersion(data)
	budget := maxNodes
	docs, syntax, f := decodeAll(data, 0, &budget, maxDocuments)
	if syntax == nil {
		return docs, f
	}
	budget, docs = maxNodes, nil
	for _, c := range splitDocuments(data) {
		part, syntax, f := decodeAll(c.text, c.line, &budget, maxDocuments-len(docs))
		docs = append(docs, part...)
		if f != nil {
			return docs, f
		}
		if syntax != nil {
			docs = append(docs, parsed{c.labels(), syntax})
		}
	}
	return docs, nil
}

// decodeAll reads the documents of a text that stands line lines into its file.
// syntax is why the rest cannot be read, f why no more is read.
func decodeAll(text []byte, line int, budget *int, most int) (docs []parsed, syntax, f *fault) {
	if f := notUTF8(text, line); f != nil {
		return nil, f, nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil, nil
		}
		if err != nil {
			return docs, yamlFault(err, text, line), nil
		}
		if len(doc.Content) == 0 || isNull(doc.Content[0]) {
			continue // an empty document, such as after a closing "---"
		}
		moveDown(&doc, line)
		if len(docs) >= most {
			return docs, nil, faultNode(&doc, "split the file", "more than %d documents", maxDocuments)
		}
		root, f := expand(doc.Content[0], budget, 0)
		if f != nil {
			root = doc.Content[0]
			if *budget < 0 {
				return docs, nil, f
			}
		}
		docs = append(docs, parsed{root, f})
	}
}

var yamlVersion = regexp.MustCompile(`(?m)^%YAML[ \t]+1\.[0-9]+`)

// withoutVersion makes comments of directives that say the version of YAML: the
// parser knows 1.1 by name, and reads 1.2.
func withoutVersion(data []byte) []byte {
	at := yamlVersion.FindAllIndex(data, -1)
	if at == nil {
		return data
	}
	data = bytes.Clone(data)
	for _, m := range at {
		data[m[0]] = '#'
	}
	return data
}

// notUTF8 finds the first byte of a text that is in neither UTF-8 nor UTF-16.
func notUTF8(text []byte, line int) *fault {
	if utf8.Valid(text) || bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil
	}
	column := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		column++
		switch {
		case r == utf8.RuneError && size == 1:
			return faultAt(query.Span{Line: line + 1, Column: column}, "save the file as UTF-8", "not UTF-8: the byte %#x", text[0])
		case r == '\n':
			line, column = line+1, 0
		}
		text = text[size:]
	}
	return nil
}

// chunk is the text of one document, line lines into its file.
type chunk struct {
	text []byte
	line int
}

var documentStart = regexp.MustCompile(`(?m)^---(?:[ \t\r].*)?$`)

// splitDocuments cuts a text at the marks of its documents. A mark with nothing behind
// it is left out: the parser tells the place of most faults by the line only where
// the document starts with the text.
func splitDocuments(data []byte) (out []chunk) {
	start, line := 0, 0
	cut := func(end int) {
		if end > start {
			out = append(out, chunk{data[start:end], line})
			line += bytes.Count(data[start:end], []byte("\n"))
			start = end
		}
	}
	for _, m := range documentStart.FindAllIndex(data, -1) {
		cut(m[0])
		if len(bytes.TrimSpace(data[m[0]:m[1]])) == len("---") && m[1] < len(data) {
			start, line = m[1]+1, line+1
		}
	}
	cut(len(data))
	return out
}

var labelLine = regexp.MustCompile(`(?m)^(title|id|name):[ \t]*(.*?)[ \t\r]*$`)

// labels is what people know a document by that is not YAML.
func (c chunk) labels() *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Line: c.line + 1, Column: 1}
	for _, m := range labelLine.FindAllSubmatch(c.text, -1) {
		out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: string(m[1])},
			&yaml.Node{Kind: yaml.ScalarNode, Value: strings.Trim(string(m[2]), `'"`)})
	}
	return out
}

// moveDown adds to the lines of a node and of all below it.
func moveDown(n *yaml.Node, by int) {
	if by == 0 {
		return
	}
	n.Line += by
	for _, c := range n.Content {
		moveDown(c, by)
	}
}

// parserFault are the faults whose lines the parser counts from zero.
var parserFault = regexp.MustCompile(`^did not find expected (?:node content|key|'-' indicator|',' or '[\]}]')`)

var (
	yamlLine      = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// yamlFault is what the parser says of a text that stands line lines into its file.
func yamlFault(err error, in []byte, line int) *fault {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	// The parser leaves out the first line.
	f := &fault{at: query.Span{Line: line + 1}, hint: "check indentation and quotes; text with a colon, a star or a leading quote needs quotes"}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		f.at.Line = line + n
		text = text[len(m[0]):]
		if parserFault.MatchString(text) {
			f.at.Line++
		}
	}
	switch m := unknownAnchor.FindStringSubmatch(text); {
	case m != nil:
		f.hint = "text that starts with a star needs quotes"
		if at := bytes.Index(in, []byte("*"+m[1])); at >= 0 {
			before := in[:at]
			f.at = query.Span{Line: line + 1 + bytes.Count(before, []byte("\n")), Column: at - bytes.LastIndexByte(before, '\n')}
		}
	case strings.HasPrefix(text, "did not find expected alphabetic or numeric character"):
		f.hint = "text that starts with a star needs quotes"
	case strings.HasPrefix(text, "found character that cannot start any token"):
		f.hint = "YAML is indented with spaces, not tabs; text with a leading @, % or ` needs quotes"
	}
	f.reason = "not YAML: " + text
	return f
}
