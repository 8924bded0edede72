package config

import (
	"strconv"
	"strings"
)

// Notifications are what of the configuration says how people are told, as a file of their own
// may say it over the configuration: the console writes that file. nil is what the file does
// not say.
type Notifications struct {
	Digest  *string           `yaml:"digest"`
	Storm   *int              `yaml:"storm"`
	Targets map[string]Target `yaml:"targets"`
}

// ParseNotifications reads a file of notifications with the checks of the configuration's keys.
func ParseNotifications(name string, data []byte) (*Notifications, []*Fault) {
	var n Notifications
	at := places{"": name + ":1:1"}
	bad := decodeFile(name, data, &n, at)
	var c Config
	n.Over(&c)
	k := &serveCheck{c: &c, at: at, before: map[string]bool{}}
	for _, f := range bad {
		k.before[f.Where] = true
	}
	k.times()
	k.least("storm", c.Storm, 0)
	return &n, append(bad, k.bad...)
}

// Over has what is said hold in a configuration.
func (n *Notifications) Over(c *Config) {
	if n.Digest != nil {
		c.Digest = *n.Digest
	}
	if n.Storm != nil {
		c.Storm = *n.Storm
	}
	if n.Targets != nil {
		c.Targets = n.Targets
	}
}

// Place is the line and the column of where a fault stands in its file, 0 where it stands in
// none.
func (f *Fault) Place() (line, column int) {
	rest, last, ok := cutLast(f.Where)
	if !ok {
		return 0, 0
	}
	_, before, ok := cutLast(rest)
	line, err := strconv.Atoi(before)
	column, err2 := strconv.Atoi(last)
	if !ok || err != nil || err2 != nil {
		return 0, 0
	}
	return line, column
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}
