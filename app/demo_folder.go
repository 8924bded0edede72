package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

// demoStateFile is where the folder of a demo says what it is. A folder without it is not ours.
const demoStateFile = "demo.json"

// demoLockFile is held by the process that has the demo.
const demoLockFile = "demo.lock"

// demoNames are what a demo makes in its folder beside the lock, and all that is removed of it.
var demoNames = []string{"yagura.yaml", "accounts.yaml", "policy.yaml", "yagura.log", "logs", "data", demoStateFile}

// demoVersion is that of demoState.
const demoVersion = 1

// demoState is what the folder of a demo says of itself.
type demoState struct {
	V    int       `json:"v"`
	Seed uint64    `json:"seed"`
	End  time.Time `json:"end"` // of the week
	// Filled is nil until the filling has come to its end and all of it is durable.
	Filled *DemoFilled `json:"filled,omitempty"`
	// Listen and Inbox are the addresses that stand in the configuration.
	Listen string `json:"listen"`
	Inbox  string `json:"inbox"`
	// Last is up to when the time after the week is written, Live how many small things were.
	Last time.Time `json:"last"`
	Live int       `json:"live"`
}

// DemoFound says what NewDemo found in its folder.
type DemoFound int

// What there may be.
const (
	DemoNothing      DemoFound = iota
	DemoInterrupted            // a demo whose filling had not ended: it was removed
	DemoFilledBefore           // a demo that goes on, and is not filled again
)

// look takes the folder, says what it holds, and reads the state of a demo that is in it.
func (d *Demo) look() (DemoFound, error) {
	entries, err := os.ReadDir(d.o.Dir)
	if err != nil {
		return 0, err
	}
	ours := func(e fs.DirEntry) bool { return e.Name() == demoStateFile }
	if len(entries) > 0 && !slices.ContainsFunc(entries, ours) && (len(entries) > 1 || entries[0].Name() != demoLockFile) {
		return 0, &config.Fault{Where: d.o.Dir, Reason: "the folder is not empty, and no demo is in it", Hint: "the demo makes its own: name one that does not exist yet"}
	}
	d.lock, err = store.LockFile(filepath.Join(d.o.Dir, demoLockFile))
	if errors.Is(err, store.ErrServed) {
		return 0, &config.Fault{Where: d.o.Dir, Reason: "another process has this demo", Hint: "end it first, or name another folder"}
	}
	if err != nil {
		return 0, err
	}
	where := filepath.Join(d.o.Dir, demoStateFile)
	data, err := os.ReadFile(where)
	if errors.Is(err, fs.ErrNotExist) {
		return DemoNothing, nil
	}
	if err != nil {
		return 0, err
	}
	var s demoState
	if err := json.Unmarshal(data, &s); err != nil || s.V != demoVersion {
		return 0, &config.Fault{Where: where, Reason: "it is of another version, or broken", Hint: "remove the folder, or name another"}
	}
	if s.Filled == nil {
		return DemoInterrupted, d.discard()
	}
	if s.Seed != d.o.Seed {
		return 0, &config.Fault{Where: d.o.Dir, Reason: fmt.Sprintf("the demo in it is that of --seed %d", s.Seed), Hint: "remove the folder, or name another"}
	}
	d.state = s
	return DemoFilledBefore, nil
}

// discard removes what the demo has made.
func (d *Demo) discard() error {
	// What marks the folder as ours goes last: who is interrupted here can go on.
	for _, name := range demoNames {
		if err := os.RemoveAll(filepath.Join(d.o.Dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// Discard closes the demo and removes what it has made, and its folder when that is empty then.
func (d *Demo) Discard() error {
	err := errors.Join(d.Close(), d.discard())
	if err == nil {
		err = os.Remove(filepath.Join(d.o.Dir, demoLockFile))
	}
	if err == nil {
		_ = os.Remove(d.o.Dir) // unless somebody put something there
	}
	return err
}

// save writes the state, whole or not at all.
func (d *Demo) save() error {
	data, err := json.MarshalIndent(&d.state, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(d.o.Dir, demoStateFile)
	if err := os.WriteFile(name+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	if err := syncFile(name + ".new"); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// begin makes the files of a new demo. What says that the folder is ours comes first.
func (d *Demo) begin() error {
	d.state = demoState{V: demoVersion, Seed: d.o.Seed, End: d.week.End(), Listen: d.o.Listen, Inbox: d.inbox.address, Last: d.week.End()}
	if err := d.save(); err != nil {
		return err
	}
	for name, text := range map[string]string{"yagura.yaml": d.configuration(), "accounts.yaml": demoAccounts(), "policy.yaml": demoPolicy} {
		if err := os.WriteFile(filepath.Join(d.o.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// resume puts today's addresses into the configuration of a demo that was filled before.
// Whatever else was edited in it stays.
func (d *Demo) resume() error {
	text, err := os.ReadFile(d.Config())
	if err != nil {
		return err
	}
	for _, x := range [][2]string{{d.state.Listen, d.o.Listen}, {d.state.Inbox, d.inbox.address}} {
		text = bytes.ReplaceAll(text, []byte(x[0]), []byte(x[1]))
	}
	if err := os.WriteFile(d.Config(), text, 0o600); err != nil {
		return err
	}
	d.state.Listen, d.state.Inbox, d.Filled = d.o.Listen, d.inbox.address, *d.state.Filled
	return d.save()
}
