package decode

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxSpool bounds the zip archives that are held in memory because they come from
	// a pipe, a network or another archive.
	maxSpool = 128 << 20
	// maxDirectory bounds the directory of a zip archive: some 100,000 members.
	maxDirectory = 16 << 20
)

// tarLayer reads a tar archive.
func tarLayer(u *unpacker, src io.Reader, name string, level int) layer {
	t := tar.NewReader(src)
	var broken error
	member := keeper{src: t, err: &broken}
	return layer{name: name, level: level,
		spoilt: func() error { return broken },
		next: func() (string, io.Reader, error) {
			for {
				h, err := t.Next()
				if errors.Is(err, io.EOF) {
					// The rest is padding, but a compression around the archive has its
					// checksum behind it.
					if _, rest := io.Copy(padding{}, src); rest != nil {
						err = rest
					}
				}
				if err != nil {
					if !errors.Is(err, io.EOF) {
						err = fmt.Errorf("tar: %w", err)
					}
					return "", nil, err
				}
				if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse || hidden(h.Name) {
					continue
				}
				// A sparse member may be far larger than what it takes in the archive.
				return h.Name, &meter{src: member, u: u}, nil
			}
		}}
}

var errTarTail = errHinted{errors.New("bytes after the end of the archive"), "all members before them were read"}

// padding takes zeros and nothing else.
type padding struct{}

func (padding) Write(b []byte) (int, error) {
	for i, c := range b {
		if c != 0 {
			return i, errTarTail
		}
	}
	return len(b), nil
}

// hidden says whether a member is no log but what macOS adds to an archive.
func hidden(name string) bool {
	return strings.HasPrefix(path.Base(name), "._") || strings.HasPrefix(name, "__MACOSX/")
}

// keeper remembers that a reader failed.
type keeper struct {
	src io.Reader
	err *error
}

func (k keeper) Read(p []byte) (int, error) {
	n, err := k.src.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		*k.err = err
		err = fmt.Errorf("tar: %w", err)
	}
	return n, err
}

// zipLayer reads a zip archive: in place where the file can be read at any position,
// else from memory.
func (u *unpacker) zipLayer(src io.Reader, name string, level int) (layer, error) {
	at, size, err := u.random(src, level)
	if err != nil {
		return layer{}, err
	}
	u.size = max(u.size, size)
	limited := &limitedAt{src: at, left: maxDirectory}
	z, err := zip.NewReader(limited, size)
	if err != nil {
		if limited.left < 0 {
			return layer{}, errHinted{errors.New("zip: too many members"), "use a tar archive"}
		}
		if errors.Is(err, zip.ErrFormat) {
			return layer{}, errHinted{errors.New("zip: no directory at the end of the archive"), "the file is cut short or damaged"}
		}
		return layer{}, prefix("zip", err)
	}
	limited.free = true
	z.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor(zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow)))
	files := z.File
	var last io.Closer
	return layer{name: name, level: level,
		spoilt: func() error { return nil },
		next: func() (string, io.Reader, error) {
			if last != nil {
				_ = last.Close()
				last = nil
			}
			for len(files) > 0 {
				f := files[0]
				files = files[1:]
				if strings.HasSuffix(f.Name, "/") || hidden(f.Name) {
					continue
				}
				if f.Flags&1 != 0 {
					return "", nil, errMember{f.Name, errHinted{errors.New("zip: the member is encrypted"), "unpack it first"}}
				}
				rc, err := f.Open()
				if err != nil {
					return "", nil, errMember{f.Name, prefix("zip", err)}
				}
				last = rc
				return f.Name, &meter{src: named{"zip", rc}, u: u, shown: true}, nil
			}
			return "", nil, io.EOF
		}}, nil
}

// random returns the bytes of a zip archive for reading at any position.
func (u *unpacker) random(src io.Reader, level int) (io.ReaderAt, int64, error) {
	if f, ok := u.base.(interface {
		io.ReaderAt
		io.Seeker
	}); ok && level == 1 {
		// The position is behind what was read to recognise the archive.
		if here, err := f.Seek(0, io.SeekCurrent); err == nil {
			if end, err := f.Seek(0, io.SeekEnd); err == nil {
				start := here - u.r.read.Load()
				return io.NewSectionReader(countedAt{f, u}, start, end-start), end - start, nil
			}
		}
	}
	m := &inMemory{}
	for {
		u.r.usage.add(spoolPart)
		part := make([]byte, spoolPart)
		n, err := io.ReadFull(src, part)
		m.parts = append(m.parts, part[:n])
		m.size += int64(n)
		u.spool += int64(n)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && n < spoolPart && u.err == nil:
			return m, m.size, nil
		case err != nil:
			return nil, 0, fmt.Errorf("zip: %w", err)
		case u.spool > maxSpool:
			return nil, 0, errHinted{fmt.Errorf("zip: an archive of over %d MB that cannot be read in place", maxSpool>>20),
				"save it as a file and read that"}
		}
	}
}

// countedAt counts what is read in place.
type countedAt struct {
	src io.ReaderAt
	u   *unpacker
}

func (c countedAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.src.ReadAt(p, off)
	c.u.r.read.Add(int64(n))
	return n, err
}

// limitedAt fails when more is read than the directory of an archive may take.
type limitedAt struct {
	src  io.ReaderAt
	left int64
	free bool // no limit any more
}

func (l *limitedAt) ReadAt(p []byte, off int64) (int, error) {
	if !l.free {
		if l.left -= int64(len(p)); l.left < 0 {
			return 0, errors.New("directory too large")
		}
	}
	return l.src.ReadAt(p, off)
}

const spoolPart = 1 << 20

// inMemory holds an archive in parts of spoolPart bytes.
type inMemory struct {
	parts [][]byte
	size  int64
}

func (m *inMemory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= m.size {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && off < m.size {
		part := m.parts[off/spoolPart]
		k := copy(p[n:], part[off%spoolPart:])
		n += k
		off += int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
