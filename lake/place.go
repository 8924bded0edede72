package lake

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// placeFile holds the name of a place.
const placeFile = "lake.id"

// Place returns the name of the place that files lie at, which the place itself holds: whoever
// reaches the same folder or bucket by another way gets the same. A place without one is given
// a name when create says so, and else has none: "".
func Place(ctx context.Context, b Blobs, create bool) (string, error) {
	for range 2 {
		f, err := b.Get(ctx, placeFile)
		if err == nil {
			text, err := io.ReadAll(io.NewSectionReader(f, 0, min(f.Size(), 128)))
			if err = errors.Join(err, f.Close()); err != nil {
				return "", fmt.Errorf("lake: %s: %w", placeFile, err)
			}
			if _, err := hex.DecodeString(strings.TrimSpace(string(text))); err != nil || len(text) < 16 {
				return "", fmt.Errorf("lake: %s is no name of a place (hint: it was damaged; the catalogue has the right one in lake_file.place)", placeFile)
			}
			return strings.TrimSpace(string(text)), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("lake: %w", err)
		}
		if !create {
			return "", nil
		}
		var random [16]byte
		rand.Read(random[:]) //nolint:errcheck // it never fails
		name := hex.EncodeToString(random[:])
		if err := b.Put(ctx, placeFile, []byte(name+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("lake: %w", err)
		}
	}
	return "", errors.New("lake: the place has no name and takes none")
}
