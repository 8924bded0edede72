package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/rule"
	"github.com/yagura-sec/yagura/rule/sigma"
)

// LoadMappings reads mapping files and returns them with the formats that are known.
func LoadMappings(paths []string) ([]*decode.Format, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	var formats []*decode.Format
	described := map[string]string{} // the file of a format
	for _, name := range paths {
		f, err := readRule(name)
		if err != nil {
			return nil, err
		}
		format, err := decode.ParseMapping(name, f.Data)
		if err != nil {
			return nil, err
		}
		if first, twice := described[format.Name]; twice {
			return nil, &Problem{name, fmt.Errorf("the format %s is described already, by %s (hint: give one of them, or another name)", format.Name, first)}
		}
		described[format.Name] = name
		formats = append(formats, format)
	}
	return append(formats, decode.Formats()...), nil
}

// pipelines reads pipelines; no names mean the shipped ones. Behind them stands one for
// the formats of mapping files. It returns nil where the shipped ones are all.
func (r *Rules) pipelines(names []string, formats []*decode.Format) ([]*sigma.Pipeline, error) {
	text := mappingPipeline(formats)
	if len(names) == 0 {
		if text == "" {
			return nil, nil
		}
		names = []string{Shipped}
	}
	var out []*sigma.Pipeline
	for _, name := range names {
		if name == Shipped {
			out = append(out, sigma.ShippedPipelines()...)
			continue
		}
		f, err := readRule(name)
		if err != nil {
			return nil, err
		}
		p, refusals := sigma.ParsePipeline(f)
		if p == nil {
			return nil, refusalErrors(refusals)
		}
		out = append(out, p)
		r.Refusals = append(r.Refusals, refusals...)
	}
	if text == "" {
		return out, nil
	}
	p, refusals := sigma.ParsePipeline(rule.File{Path: "pipeline of the mapping files", Data: []byte(text)})
	if p == nil {
		return nil, refusalErrors(refusals)
	}
	return append(out, p), nil
}

// mappingPipeline writes a pipeline by which product acme, service vpn is the format
// acme.vpn, and product acme without a service is all formats acme.*; "" when no
// format comes from a mapping file.
func mappingPipeline(formats []*decode.Format) string {
	known := map[string]bool{}
	for _, f := range decode.Formats() {
		known[f.Name] = true
	}
	var text strings.Builder
	byProduct := map[string][]string{}
	route := func(product, service string, names []string) {
		fmt.Fprintf(&text, "  - type: set_custom_attribute\n    attribute: yagura.formats\n    value: [%s]\n"+
			"    rule_conditions: [{type: logsource, product: %q, service: %q}]\n", strings.Join(names, ", "), product, service)
	}
	var products []string
	for _, f := range formats {
		product, service, _ := strings.Cut(f.Name, ".")
		if known[f.Name] || service == "" {
			continue // the shipped pipelines route to it
		}
		route(product, service, []string{f.Name})
		if !slices.Contains(products, product) {
			products = append(products, product)
		}
		byProduct[product] = append(byProduct[product], f.Name)
	}
	for _, product := range products {
		if !ours(product, known) {
			route(product, "", byProduct[product])
		}
	}
	if text.Len() == 0 {
		return ""
	}
	return "name: mapping files\npriority: 1000\ntransformations:\n" + text.String()
}

// ours says whether a built-in format is of that product.
func ours(product string, known map[string]bool) bool {
	for name := range known {
		if strings.HasPrefix(name, product+".") {
			return true
		}
	}
	return false
}
