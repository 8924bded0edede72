package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
)

// MaxFrame is the size of the largest frame.
const MaxFrame = 64 << 20

// FrameOverhead is what a frame takes beside its content: the content of a frame at
// Position p begins at p.Offset + FrameOverhead.
const FrameOverhead = 16

// FileOverhead is where the first frame of a file begins.
const FileOverhead = 32

const (
	magic   = "YGSEG\x00\x00\x01"
	suffix  = ".seg"
	lockKey = "LOCK"
)

// The errors that callers tell apart.
var (
	ErrLocked = errors.New("another process writes here")
	ErrClosed = errors.New("the log is closed")
	// ErrGone is returned for a position whose file was removed or never was.
	ErrGone = errors.New("the file is not there")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Position is a place in a log, never used twice. The zero Position is before everything.
type Position struct {
	File   uint64 // number of the file, from 1
	Offset int64  // of the frame in it
}

// Compare orders positions.
func (p Position) Compare(q Position) int {
	switch {
	case p.File < q.File, p.File == q.File && p.Offset < q.Offset:
		return -1
	case p == q:
		return 0
	}
	return 1
}

// String returns file:offset.
func (p Position) String() string {
	return strconv.FormatUint(p.File, 10) + ":" + strconv.FormatInt(p.Offset, 10)
}

// Span is what one Append wrote.
type Span struct{ First, End Position }

// Frame is one frame as it is read. Data is valid until the next frame is asked for.
type Frame struct {
	Position Position
	End      Position // of the next frame in this file
	Data     []byte
}

// Damage is a stretch of a log that cannot be read. It does not end an iteration.
type Damage struct {
	File   string // name of the file in the directory
	Number uint64
	From   int64
	To     int64 // 0 when the whole file is missing
	// Tail says that nothing readable follows in this file: a torn end.
	Tail   bool
	Reason string
}

// Error says what is damaged where.
func (d *Damage) Error() string {
	if d.To == 0 {
		return fmt.Sprintf("%s: %s", d.File, d.Reason)
	}
	return fmt.Sprintf("%s: bytes %d to %d: %s", d.File, d.From, d.To, d.Reason)
}

// FileName returns the name of a file by its number.
func FileName(number uint64) string { return fmt.Sprintf("%016d%s", number, suffix) }

// FileNumber is the inverse of [FileName].
func FileNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) < 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0 && FileName(n) == name
}

// fileHeader is the header of a file.
type fileHeader struct {
	number  uint64
	created time.Time
	salt    uint32
}

func (h fileHeader) append(b []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint64(b, h.number)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.created.UnixNano()))
	b = binary.LittleEndian.AppendUint32(b, h.salt)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

var errHeader = errors.New("the header of the file is damaged")

func parseFileHeader(b []byte, number uint64) (fileHeader, error) {
	if len(b) < FileOverhead || crc32.Checksum(b[:28], castagnoli) != binary.LittleEndian.Uint32(b[28:]) || string(b[:5]) != magic[:5] {
		return fileHeader{}, errHeader
	}
	if string(b[:8]) != magic {
		return fileHeader{}, fmt.Errorf("written by another version (%x)", b[5:8])
	}
	h := fileHeader{number: binary.LittleEndian.Uint64(b[8:]), created: time.Unix(0, int64(binary.LittleEndian.Uint64(b[16:]))), salt: binary.LittleEndian.Uint32(b[24:])}
	if h.number != number {
		return fileHeader{}, fmt.Errorf("this is file %d under another name", h.number)
	}
	return h, nil
}

// headerSum is the checksum of a frame header: its first twelve bytes and its place.
func headerSum(head []byte, number uint64, offset int64) uint32 {
	var place [28]byte
	binary.LittleEndian.PutUint64(place[:], number)
	binary.LittleEndian.PutUint64(place[8:], uint64(offset))
	copy(place[16:], head[:12])
	return crc32.Checksum(place[:], castagnoli)
}

// appendFrame appends a frame that will stand at offset.
func appendFrame(b, data []byte, number uint64, offset int64, salt uint32) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, salt)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(data, castagnoli))
	b = binary.LittleEndian.AppendUint32(b, headerSum(b[start:], number, offset))
	return append(b, data...)
}
