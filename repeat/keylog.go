package repeat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yagura-sec/yagura/segment"
)

// The log holds what is not in a file of keys yet. Its frames:
//
//	1, mark, arrival: entries of 15 bytes (key and content), all of one arrival
//	2, mark, time of stamp 1, epoch length: entries of 16 bytes with their stamps
const (
	logArrived  = 1
	logSnapshot = 2

	arrivedBytes  = 15
	arrivedHead   = 1 + 8 + 8
	snapshotHead  = 1 + 8 + 8 + 8
	snapshotBatch = 1 << 16
)

func appendArrived(b []byte, mark uint64, arrival time.Time, entries []entry) []byte {
	b = append(b, logArrived)
	b = binary.LittleEndian.AppendUint64(b, mark)
	b = binary.LittleEndian.AppendUint64(b, uint64(arrival.UnixNano()))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint64(b, e.a)
		b = binary.LittleEndian.AppendUint32(b, uint32(e.tag>>32))
		b = append(b, byte(e.tag>>8), byte(e.tag>>16), byte(e.tag>>24))
	}
	return b
}

var errLogFrame = errors.New("this is not a frame of keys")

// logFrame is a frame of the log as it is read.
type logFrame struct {
	mark    uint64
	arrival int64 // unix nanoseconds, of all entries or of stamp 1
	epoch   int64 // length of an epoch in nanoseconds; 0: all entries have the one arrival
	body    []byte
}

func parseLogFrame(b []byte) (logFrame, error) {
	if len(b) < arrivedHead {
		return logFrame{}, errLogFrame
	}
	f := logFrame{mark: binary.LittleEndian.Uint64(b[1:]), arrival: int64(binary.LittleEndian.Uint64(b[9:])), body: b[arrivedHead:]}
	size := arrivedBytes
	switch b[0] {
	case logArrived:
	case logSnapshot:
		if len(b) < snapshotHead {
			return logFrame{}, errLogFrame
		}
		f.epoch, f.body, size = int64(binary.LittleEndian.Uint64(b[17:])), b[snapshotHead:], entryBytes
		if f.epoch <= 0 {
			return logFrame{}, errLogFrame
		}
	default:
		return logFrame{}, fmt.Errorf("%w: kind %d", errLogFrame, b[0])
	}
	if len(f.body)%size != 0 {
		return logFrame{}, errLogFrame
	}
	return f, nil
}

// entries hands out the entries of a frame with their arrival in unix nanoseconds.
func (f *logFrame) entries(yield func(e entry, arrival int64)) {
	b := f.body
	if f.epoch > 0 {
		for ; len(b) >= entryBytes; b = b[entryBytes:] {
			e := entry{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
			yield(e, f.arrival+(int64(e.tag&0xff)-1)*f.epoch)
		}
		return
	}
	for ; len(b) >= arrivedBytes; b = b[arrivedBytes:] {
		content := uint64(b[12]) | uint64(b[13])<<8 | uint64(b[14])<<16
		yield(entry{binary.LittleEndian.Uint64(b), uint64(binary.LittleEndian.Uint32(b[8:]))<<32 | content<<8}, f.arrival)
	}
}

// replay reads the log into memory tables: what has a mark that was committed. It returns
// how many entries had another one.
func (d *Disk) replay() (dropped int64, err error) {
	for frame, err := range d.log.Read(segment.Position{}) {
		if damage, ok := errors.AsType[*segment.Damage](err); ok {
			d.problem(fmt.Errorf("repeat: log: %w: repeats of the events that stood there are not noticed", damage))
			continue
		} else if err != nil {
			return dropped, err
		}
		f, err := parseLogFrame(frame.Data)
		if err != nil {
			d.problem(fmt.Errorf("repeat: log: %s: %w: repeats of the events that stood there are not noticed", frame.Position, err))
			continue
		}
		base := floorDiv(f.arrival, d.epochLen)
		// Stamps of a table reach only so far; frames that were written twice come late.
		if t := d.tables[0]; t.used > 0 && (t.used >= d.o.tableKeys || base < t.base || base-t.base >= maxStamps-4 || f.epoch > 0 && base != t.base) {
			d.push(frame.Position)
		}
		d.tables[0].rebase(base, f.epoch > 0)
		f.entries(func(e entry, arrival int64) {
			if f.mark > d.committed {
				dropped++
				return
			}
			d.remember(e, floorDiv(arrival, d.epochLen), f.mark)
		})
	}
	return dropped, nil
}

// snapshot writes all memory tables to a new file of the log and removes the files before
// it: nothing that was dropped can come back under a mark that is used again.
func (d *Disk) snapshot() error {
	if err := d.log.Rotate(); err != nil {
		return err
	}
	begin := d.log.End()
	var b []byte
	var n int
	flush := func() error {
		if n == 0 {
			return nil
		}
		n = 0
		_, err := d.log.Append(b)
		return err
	}
	for _, t := range slices.Backward(d.tables) {

		var err error
		for e := range t.all {
			if n == 0 {
				b = append(b[:0], logSnapshot)
				b = binary.LittleEndian.AppendUint64(b, t.mark)
				b = binary.LittleEndian.AppendUint64(b, uint64(t.base*d.epochLen))
				b = binary.LittleEndian.AppendUint64(b, uint64(d.epochLen))
			}
			b = binary.LittleEndian.AppendUint64(b, e.a)
			b = binary.LittleEndian.AppendUint64(b, e.tag)
			if n++; n == snapshotBatch {
				if err = flush(); err != nil {
					return err
				}
			}
		}
		if err = flush(); err != nil {
			return err
		}
		t.logEnd = d.log.End()
	}
	if err := d.log.Sync(); err != nil {
		return err
	}
	_, err := d.log.RemoveBefore(begin)
	return err
}

// floorDiv divides towards minus infinity.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
