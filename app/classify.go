package app

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// content is what a YAML file turns out to hold.
type content int

const (
	contentUnknown content = iota // it is YAML, and no rule of any kind
	contentBroken                 // it cannot be read as YAML and does not look like rules
	contentSigma
	contentFalco
	contentSentinel
	contentOverlay
	contentPipeline
	contentFalcoConfig
)

// classify recognises a rule file by what it holds. A file that breaks off is what it
// looks like, so that the language's own loader says where and why.
func classify(data []byte) content {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return contentUnknown
		case err != nil:
			return byLook(data)
		case len(doc.Content) == 0:
			continue
		}
		if c := classifyNode(doc.Content[0]); c != contentUnknown {
			return c
		}
	}
}

func classifyNode(n *yaml.Node) content {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if has(item, "rule", "macro", "list", "required_engine_version", "required_plugin_versions") {
				return contentFalco
			}
			if sentinelNode(item) {
				return contentSentinel
			}
		}
	case yaml.MappingNode:
		switch {
		case has(n, "overlay"):
			return contentOverlay
		case has(n, "transformations"):
			return contentPipeline
		case has(n, "detection", "correlation", "filter"), has(n, "title") && has(n, "logsource"), has(n, "action") && has(n, "logsource", "title"):
			return contentSigma
		case has(n, "rules_files", "rule_matching", "load_plugins", "config_files", "append_output"):
			return contentFalcoConfig
		case sentinelNode(n):
			return contentSentinel
		}
	}
	return contentUnknown
}

// sentinelNode recognises a rule of Microsoft Sentinel, a hunting query, an exported rule, or
// a template that has rules among its resources.
func sentinelNode(n *yaml.Node) bool {
	query := has(n, "query")
	if query && has(n, "queryFrequency", "tactics", "requiredDataConnectors", "entityMappings", "severity", "language") {
		return true
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		v := n.Content[i+1]
		switch n.Content[i].Value {
		case "kind":
			kind := strings.ToLower(v.Value)
			if kind == "unusual" || query && (kind == "scheduled" || kind == "nrt") { // the first is ours: it has no query of its own
				return true
			}
		case "properties":
			if has(v, "query") && has(v, "displayName") {
				return true
			}
		case "type":
			if strings.HasSuffix(strings.ToLower(v.Value), "alertrules") {
				return true
			}
		case "resources", "value":
			if v.Kind == yaml.SequenceNode && slices.ContainsFunc(v.Content, sentinelNode) {
				return true
			}
		}
	}
	return false
}

// looksTemplate reports whether JSON may hold rules of Sentinel, before it is parsed.
func looksTemplate(data []byte) bool {
	return (bytes.Contains(data, []byte("/alertRules\"")) || bytes.Contains(data, []byte(`"queryFrequency"`))) && classify(data) == contentSentinel
}

// has says whether a mapping has one of the keys.
func has(n *yaml.Node, keys ...string) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if slices.Contains(keys, n.Content[i].Value) {
			return true
		}
	}
	return false
}

var (
	looksFalco    = regexp.MustCompile(`(?m)^\s*- *(rule|macro|list|required_engine_version|required_plugin_versions) *:`)
	looksSigma    = regexp.MustCompile(`(?m)^(detection|correlation|filter|logsource) *:`)
	looksSentinel = regexp.MustCompile(`(?m)^(queryFrequency|queryPeriod|requiredDataConnectors|entityMappings) *:|^kind: *[Uu]nusual`)
	looksOverlay  = regexp.MustCompile(`(?m)^overlay *:`)
)

func byLook(data []byte) content {
	switch {
	case looksOverlay.Match(data):
		return contentOverlay
	case looksSigma.Match(data):
		return contentSigma
	case looksFalco.Match(data):
		return contentFalco
	case looksSentinel.Match(data):
		return contentSentinel
	}
	return contentBroken
}
