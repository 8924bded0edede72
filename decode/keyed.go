package decode

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/yagura-sec/yagura"
)

// The seeds of the hashes. They are part of every key recipe: a key written down
// by one version is met again by the next.
const (
	seedHigh    = 0x7961677572610001
	seedLow     = 0x7961677572610002
	seedContent = 0x7961677572610003
)

// keyer makes a key from the parts of a recipe: two 64-bit xxHash sums with
// different seeds over the format's name and the parts, each preceded by its
// length so that the parts "ab", "c" and "a", "bc" make different keys.
type keyer struct {
	high, low xxhash.Digest
	some      gather
}

func (k *keyer) start(format string) {
	k.high.ResetWithSeed(seedHigh)
	k.low.ResetWithSeed(seedLow)
	k.text(format)
}

func (k *keyer) length(n int) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	k.add(b[:])
}

func (k *keyer) text(s string) {
	k.length(len(s))
	for len(s) > 0 {
		n := k.some.text(s)
		if s = s[n:]; len(s) > 0 {
			k.flush()
		}
	}
}

func (k *keyer) part(p []byte) {
	k.length(len(p))
	k.add(p)
}

func (k *keyer) add(p []byte) {
	for len(p) > 0 {
		n := k.some.bytes(p)
		if p = p[n:]; len(p) > 0 {
			k.flush()
		}
	}
}

func (k *keyer) number(n int64) {
	k.length(8)
	k.length(int(n))
}

func (k *keyer) flush() {
	_, _ = k.high.Write(k.some.buf[:k.some.n])
	_, _ = k.low.Write(k.some.buf[:k.some.n])
	k.some.n = 0
}

func (k *keyer) sum() (key yagura.Key) {
	k.flush()
	binary.BigEndian.PutUint64(key[:8], k.high.Sum64())
	binary.BigEndian.PutUint64(key[8:], k.low.Sum64())
	return key
}

// gather collects short parts, because xxHash is slow at many short writes.
type gather struct {
	n   int
	buf [256]byte
}

func (g *gather) bytes(p []byte) int {
	n := copy(g.buf[g.n:], p)
	g.n += n
	return n
}

func (g *gather) text(s string) int {
	n := copy(g.buf[g.n:], s)
	g.n += n
	return n
}

// contentHash is the hash of time, actor, action, target and outcome that goes
// with a key. Time is cut to milliseconds, because not every way of delivery keeps
// more.
func contentHash(ns int64, parts ...[]byte) uint64 {
	var d xxhash.Digest
	var g gather
	d.ResetWithSeed(seedContent)
	add := func(p []byte) {
		for len(p) > 0 {
			n := g.bytes(p)
			if p = p[n:]; len(p) > 0 {
				_, _ = d.Write(g.buf[:g.n])
				g.n = 0
			}
		}
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(ns/1e6))
	add(b[:])
	for _, p := range parts {
		binary.LittleEndian.PutUint64(b[:], uint64(len(p)))
		add(b[:])
		add(p)
	}
	_, _ = d.Write(g.buf[:g.n])
	return d.Sum64()
}
