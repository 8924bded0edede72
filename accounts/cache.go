package accounts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/yagura-sec/yagura"
)

// kept is the form of the file.
type kept struct {
	V            int                  `json:"v"`
	Organisation string               `json:"organisation"`
	Read         time.Time            `json:"read"`
	Partial      string               `json:"partial,omitempty"`
	Accounts     []yagura.AccountInfo `json:"accounts"`
}

// maxCache bounds what is read of the file.
const maxCache = 256 << 20

// Kept returns the list as it was kept last, however old it is, and asks nobody; nil when
// there is none.
func Kept(o Options) (*List, error) { return load(o) }

// load reads the file; nil when there is none.
func load(o Options) (*List, error) {
	if o.Cache == "" {
		return nil, nil
	}
	f, err := os.Open(o.Cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("accounts: the list that was kept: %w", err)
	}
	defer f.Close() //nolint:errcheck // it is only read
	data, err := io.ReadAll(io.LimitReader(f, maxCache+1))
	if err != nil {
		return nil, fmt.Errorf("accounts: the list that was kept: %w", err)
	}
	if len(data) > maxCache {
		return nil, fmt.Errorf("accounts: the list that was kept: %s: more than %d bytes", o.Cache, maxCache)
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fmt.Errorf("accounts: the list that was kept: %s: %w", o.Cache, err)
	}
	if k.V != 1 || k.Read.IsZero() {
		return nil, fmt.Errorf("accounts: the list that was kept: %s: version %d", o.Cache, k.V)
	}
	l := &List{Organisation: k.Organisation, Accounts: k.Accounts, Read: k.Read}
	if k.Partial != "" {
		l.Partial = errors.New(k.Partial)
	}
	return l, nil
}

// save replaces the file whole.
func save(o Options, l *List) error {
	if o.Cache == "" {
		return nil
	}
	k := kept{V: 1, Organisation: l.Organisation, Read: l.Read, Accounts: l.Accounts}
	if l.Partial != nil {
		k.Partial = l.Partial.Error()
	}
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("accounts: the list cannot be kept: %w", err) }
	f, err := os.CreateTemp(filepath.Dir(o.Cache), ".accounts-*") // only the owner may read it
	if err != nil {
		return fail(err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), o.Cache)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the error is told
		return fail(err)
	}
	return nil
}
