package slacktest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// checkBlocks holds blocks to the rules of Block Kit.
func checkBlocks(blocks []any, most int, modal bool) (problems []string) {
	c := checker{modal: modal, ids: map[string]bool{}}
	if len(blocks) == 0 || len(blocks) > most {
		c.bad("", "%d blocks, want 1 to %d", len(blocks), most)
	}
	for i, b := range blocks {
		c.block(fmt.Sprintf("/blocks/%d", i), b)
	}
	return c.problems
}

type checker struct {
	modal    bool
	ids      map[string]bool
	inputs   bool
	problems []string
}

func (c *checker) bad(at, format string, args ...any) {
	c.problems = append(c.problems, "[ERROR] "+fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
}

// object checks that v has no other keys, and those that it must have ("key!").
func (c *checker) object(at string, v any, keys string) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		c.bad(at, "must be an object")
		return nil
	}
	var known []string
	for k := range strings.FieldsSeq(keys) {
		name, must := strings.CutSuffix(k, "!")
		known = append(known, name)
		if _, ok := m[name]; must && !ok {
			c.bad(at, "missing required field: %s", name)
		}
	}
	for k := range m {
		if !slices.Contains(known, k) {
			c.bad(at, "additional property: %s", k)
		}
	}
	return m
}

func (c *checker) str(at string, m map[string]any, key string, least, most int) string {
	v, ok := m[key]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		c.bad(at+"/"+key, "must be a string")
		return ""
	}
	if n := units(s); n < least || n > most {
		c.bad(at+"/"+key, "has %d characters, want %d to %d", n, least, most)
	}
	return s
}

// units counts as JavaScript does.
func units(s string) (n int) {
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

func (c *checker) text(at string, v any, plain bool, most int) {
	m := c.object(at, v, "type! text! emoji verbatim")
	if m == nil {
		return
	}
	switch {
	case m["type"] == "plain_text":
		if _, ok := m["verbatim"]; ok {
			c.bad(at, "verbatim is for mrkdwn")
		}
	case m["type"] == "mrkdwn" && !plain:
		if _, ok := m["emoji"]; ok {
			c.bad(at, "emoji is for plain_text")
		}
	default:
		c.bad(at, "type %v is not allowed here", m["type"])
	}
	c.str(at, m, "text", 1, most)
}

func (c *checker) block(at string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		c.bad(at, "must be an object")
		return
	}
	if id := c.str(at, m, "block_id", 1, 255); id != "" {
		if c.ids[id] {
			c.bad(at, "block_id %q is there twice", id)
		}
		c.ids[id] = true
	}
	switch m["type"] {
	case "header":
		m = c.object(at, v, "type! text! block_id")
		c.text(at+"/text", m["text"], true, 150)
	case "divider":
		c.object(at, v, "type! block_id")
	case "section":
		m = c.object(at, v, "type! text! block_id")
		c.text(at+"/text", m["text"], false, 3000)
	case "context":
		m = c.object(at, v, "type! elements! block_id")
		list, _ := m["elements"].([]any)
		if len(list) == 0 || len(list) > 10 {
			c.bad(at, "%d elements, want 1 to 10", len(list))
		}
		for i, e := range list {
			c.text(fmt.Sprintf("%s/elements/%d", at, i), e, false, 3000)
		}
	case "actions":
		m = c.object(at, v, "type! elements! block_id")
		list, _ := m["elements"].([]any)
		if len(list) == 0 || len(list) > 25 {
			c.bad(at, "%d elements, want 1 to 25", len(list))
		}
		ids := map[string]bool{}
		for i, e := range list {
			id := c.button(fmt.Sprintf("%s/elements/%d", at, i), e)
			if ids[id] {
				c.bad(at, "action_id %q is there twice", id)
			}
			ids[id] = true
		}
	case "input":
		if !c.modal {
			c.bad(at, "input blocks are not taken here")
		}
		c.inputs = true
		m = c.object(at, v, "type! label! element! hint optional block_id dispatch_action")
		c.text(at+"/label", m["label"], true, 2000)
		if h, ok := m["hint"]; ok {
			c.text(at+"/hint", h, true, 2000)
		}
		c.element(at+"/element", m["element"])
	default:
		c.bad(at, "unsupported type: %v", m["type"])
	}
}

func (c *checker) button(at string, v any) string {
	m := c.object(at, v, "type! text! action_id! value url style confirm")
	if m == nil {
		return ""
	}
	if m["type"] != "button" {
		c.bad(at, "unsupported type: %v", m["type"])
	}
	c.text(at+"/text", m["text"], true, 75)
	c.str(at, m, "value", 0, 2000)
	if u := c.str(at, m, "url", 1, 3000); u != "" {
		if p, err := url.Parse(u); err != nil || p.Host == "" {
			c.bad(at+"/url", "not a URL")
		}
	}
	if v, ok := m["confirm"]; ok {
		cm := c.object(at+"/confirm", v, "title! text! confirm! deny! style")
		for key, most := range map[string]int{"title": 100, "text": 300, "confirm": 30, "deny": 30} {
			c.text(at+"/confirm/"+key, cm[key], key != "text", most)
		}
	}
	if st, ok := m["style"]; ok && st != "primary" && st != "danger" {
		c.bad(at, "style %v", st)
	}
	return c.str(at, m, "action_id", 1, 255)
}

func (c *checker) element(at string, v any) {
	m, _ := v.(map[string]any)
	switch m["type"] {
	case "plain_text_input":
		m = c.object(at, v, "type! action_id multiline min_length max_length initial_value placeholder")
		c.str(at, m, "initial_value", 0, 3000)
		if n, ok := m["max_length"].(float64); ok && (n < 1 || n > 3000) {
			c.bad(at, "max_length %v", n)
		}
	case "datepicker":
		m = c.object(at, v, "type! action_id initial_date placeholder")
		if d := c.str(at, m, "initial_date", 10, 10); d != "" {
			if _, err := time.Parse(time.DateOnly, d); err != nil {
				c.bad(at, "initial_date %q", d)
			}
		}
	case "static_select":
		m = c.object(at, v, "type! action_id options! placeholder initial_option")
		list, _ := m["options"].([]any)
		if len(list) == 0 || len(list) > 100 {
			c.bad(at, "%d options", len(list))
		}
		for i, o := range list {
			oat := fmt.Sprintf("%s/options/%d", at, i)
			om := c.object(oat, o, "text! value! description")
			c.text(oat+"/text", om["text"], true, 75)
			c.str(oat, om, "value", 1, 150)
			if d, ok := om["description"]; ok {
				c.text(oat+"/description", d, true, 75)
			}
		}
	default:
		c.bad(at, "unsupported type: %v", m["type"])
	}
	c.str(at, m, "action_id", 1, 255)
	if p, ok := m["placeholder"]; ok {
		c.text(at+"/placeholder", p, true, 150)
	}
}

// checkView holds a modal to its rules.
func checkView(v any) (problems []string) {
	c := checker{modal: true, ids: map[string]bool{}}
	m := c.object("/view", v, "type! title! blocks! submit close private_metadata callback_id notify_on_close clear_on_close external_id")
	if m == nil {
		return c.problems
	}
	if m["type"] != "modal" {
		c.bad("/view", "type %v", m["type"])
	}
	for _, k := range []string{"title", "submit", "close"} {
		if t, ok := m[k]; ok {
			c.text("/view/"+k, t, true, 24)
		}
	}
	c.str("/view", m, "private_metadata", 0, 3000)
	c.str("/view", m, "callback_id", 0, 255)
	blocks, _ := m["blocks"].([]any)
	if len(blocks) == 0 || len(blocks) > 100 {
		c.bad("/view/blocks", "%d blocks, want 1 to 100", len(blocks))
	}
	for i, b := range blocks {
		c.block(fmt.Sprintf("/view/blocks/%d", i), b)
	}
	if _, ok := m["submit"]; c.inputs && !ok {
		c.bad("/view", "submit is required with input blocks")
	}
	return c.problems
}

// chars counts all text of blocks, with what a block itself costs: the limit of a whole
// message lies at some 13,000 and is documented nowhere.
func chars(v any) (n int) {
	switch v := v.(type) {
	case string:
		return units(v)
	case []any:
		for _, e := range v {
			n += chars(e)
		}
	case map[string]any:
		if _, ok := v["type"]; ok {
			n += 20
		}
		for _, e := range v {
			n += chars(e)
		}
	}
	return n
}
