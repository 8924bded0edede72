package repeat

import (
	"errors"
	"fmt"
	"time"
)

// maxTables is how many full memory tables may wait to be written.
const maxTables = 4

// freeze makes a full or old memory table one that waits to be written. The lock is held.
func (d *Disk) freeze(epoch int64) {
	t := d.tables[0]
	if t.used == 0 || t.used < d.o.tableKeys && epoch-t.base < maxStamps-4 || len(d.tables) > maxTables {
		return
	}
	// The table's part of the log ends with a file, so that it can go as a whole.
	if err := d.log.Rotate(); err != nil {
		d.problem(fmt.Errorf("repeat: %w", err)) // it is tried again with the next Judge
		return
	}
	d.push(d.log.End())
	signal(d.full)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// flush is the goroutine that writes memory tables to files.
func (d *Disk) flush() {
	defer d.background.Done()
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-d.full:
		case <-retry.C:
		}
		for {
			did, err := d.flushOne()
			if errors.Is(err, ErrClosed) {
				return
			}
			d.mu.Lock()
			d.stuck = err
			d.mu.Unlock()
			if err != nil {
				d.trouble(fmt.Errorf("write keys to a file: %w", err))
				retry.Reset(d.o.retry)
			}
			if err != nil || !did {
				break
			}
			signal(d.wake)
		}
	}
}

// flushOne writes the oldest waiting table, if everything in it is committed.
func (d *Disk) flushOne() (bool, error) {
	d.mu.Lock()
	n := len(d.tables)
	t := d.tables[n-1]
	if n == 1 || t.mark > d.committed || d.closed {
		d.mu.Unlock()
		return false, nil
	}
	d.mu.Unlock()
	if d.stopped() {
		return false, ErrClosed
	}
	_, now := d.now()
	w, err := newKeyWriter(d.o.FS, d.dir, keyPlan{seq: d.seq(), shard: -1, most: int64(t.used), bitsPerKey: runBits,
		base: t.base - 1, epochLen: d.epochLen, mark: t.mark})
	if err != nil {
		return false, err
	}
	var expired int64
	for e := range t.all {
		if t.epoch(e.tag) < now-liveEpochs {
			expired++
			continue
		}
		if err := w.add(e); err != nil {
			return false, errors.Join(err, w.abort())
		}
	}
	k, err := w.finish(d.epochLen)
	if err != nil {
		return false, err
	}
	var add []*keyFile
	if k != nil {
		add = append(add, k)
	}
	err = d.install(add, nil, func() {
		d.tables = d.tables[:len(d.tables)-1]
		d.stats.Expired += expired
	})
	if err != nil {
		return false, err
	}
	if err := t.free(); err != nil {
		d.trouble(err)
	}
	if _, err := d.log.RemoveBefore(t.logEnd); err != nil {
		d.trouble(err) // the next one removes these files, too
	}
	return true, nil
}

// trouble notes what the operator should know, from the background.
func (d *Disk) trouble(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.problem(fmt.Errorf("repeat: %w", err))
}
