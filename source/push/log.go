package push

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/yagura-sec/yagura/source"
)

// Log keeps what was received until it is acknowledged: one log for one source.
// [FileLog] keeps it in fsynced files of one process; a table of a database that several
// processes share fits as well. Methods may be called at the same time.
type Log interface {
	// Append makes the entries durable before it returns, in their order. known, which may
	// be nil, says which of them were not stored because an entry of the same identity is in
	// the log or was within its memory. An error means that the entries may or may not be
	// there: the sender is told to send them again. [ErrFull] says that there is no room.
	// It is called for all requests of a moment together, and never twice at a time.
	Append(ctx context.Context, entries []Entry) (known []bool, err error)
	// Lease hands out at most max entries that are not out and whose time has come, the
	// oldest first, and none when there are none: it does not wait. What was out when a
	// process died is handed out again.
	Lease(ctx context.Context, max int) ([]Leased, error)
	// Extend says that the entries are still being worked on.
	Extend(ctx context.Context, ids []string) error
	// Ack forgets entries. To forget one that is gone is no error.
	Ack(ctx context.Context, ids []string) error
	// Release gives an entry back; it is handed out again no sooner than after.
	Release(ctx context.Context, id string, after time.Duration) error
	// Lag is how much is there.
	Lag(ctx context.Context) (source.Lag, error)
	Close() error
}

// Entry is something to keep.
type Entry struct {
	// Identity is what the entry is known by; "" for one that is like no other.
	Identity string
	Received time.Time
	// Body is opaque to the log, at most [MaxEntry] bytes. It must not be held on to after
	// Append returned.
	Body []byte
}

// Leased is an entry that was handed out.
type Leased struct {
	// ID names the entry in its log: the same at each coming, and never used for another
	// entry, not by another log or after the log was lost and began anew.
	ID       string
	Received time.Time // when it was appended
	Attempts int       // how often it came, from 1, as far as the log knows
	Lease    time.Duration
	Body     []byte
	// Again reads the body again, until Ack: whoever has many entries out need not hold
	// their bodies.
	Again func(ctx context.Context) ([]byte, error)
}

// ErrFull says that a log has no room: the sender must wait.
var ErrFull = errors.New("the log of received messages is full")

// MaxEntry bounds the body of one entry.
const MaxEntry = 48 << 20

// A message is what an endpoint keeps in the body of an entry: its identity, then the
// payload. version leaves room for more.
const messageVersion = 1

// sealMessage appends the stored form of a message to dst, without its payload.
func sealMessage(dst []byte, identity string) []byte {
	dst = append(dst, messageVersion)
	dst = binary.AppendUvarint(dst, uint64(len(identity)))
	return append(dst, identity...)
}

func openMessage(b []byte) (identity string, payload []byte, err error) {
	if len(b) == 0 || b[0] != messageVersion {
		return "", nil, errors.New("a received message has an unknown version")
	}
	n, size := binary.Uvarint(b[1:])
	if size <= 0 || n > uint64(len(b)-1-size) {
		return "", nil, errors.New("a received message is cut short")
	}
	b = b[1+size:]
	return string(b[:n]), b[n:], nil
}

// identity is the name of a message with a hash of what it says. kind is the protocol.
// A name that could not be printed, or is too long, is replaced by its hash.
func identity(kind, name string, content []byte) string {
	if !printable(name) {
		sum := sha256.Sum256([]byte(name))
		name = "sha256-" + hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(content)
	return kind + ":" + name + "#" + hex.EncodeToString(sum[:16])
}

// printable says whether a name can stand in names of objects as it is.
func printable(name string) bool {
	if name == "" || len(name) > 200 || strings.HasPrefix(name, "sha256-") {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || c == '#' {
			return false
		}
	}
	return true
}

// named splits an identity into the name and the tag of an object.
func named(identity string) (name, tag string) {
	i := strings.LastIndexByte(identity, '#')
	if i < 0 {
		return identity, ""
	}
	return identity[:i], identity[i+1:]
}

// placed is the name of an object that only its place in the log names.
func placed(id string) string { return "push:" + id }

// optionError is about a wrong option.
func optionError(room, option, reason string) error {
	return fmt.Errorf("%s: %s: %s", room, option, reason)
}
