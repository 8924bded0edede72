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
type keyer struct{ high, low xxhash.Digest }

func (k *keyer) start(format string) {
	k.high.ResetWithSeed(seedHigh)
	k.low.ResetWithSeed(seedLow)
	k.text(format)
}

func (k *keyer) length(n int) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	_, _ = k.high.Write(b[:])
	_, _ = k.low.Write(b[:])
}

func (k *keyer) text(s string) {
	k.length(len(s))
	_, _ = k.high.WriteString(s)
	_, _ = k.low.WriteString(s)
}

func (k *keyer) part(p []byte) {
	k.length(len(p))
	_, _ = k.high.Write(p)
	_, _ = k.low.Write(p)
}

func (k *keyer) number(n int64) {
	k.length(8)
	k.length(int(n))
}

func (k *keyer) sum() (key yagura.Key) {
	binary.BigEndian.PutUint64(key[:8], k.high.Sum64())
	binary.BigEndian.PutUint64(key[8:], k.low.Sum64())
	return key
}

// contentHash is the hash of time, actor, action, target and outcome that goes
// with a key. Time is cut to milliseconds, because not every way of delivery keeps
// more.
func contentHash(ns int64, parts ...[]byte) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(seedContent)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(ns/1e6))
	_, _ = d.Write(b[:])
	for _, p := range parts {
		binary.LittleEndian.PutUint64(b[:], uint64(len(p)))
		_, _ = d.Write(b[:])
		_, _ = d.Write(p)
	}
	return d.Sum64()
}
