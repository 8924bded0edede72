package detections

import (
	"encoding/binary"
	"errors"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/yagura-sec/yagura/rule"
)

// tree is one parsed file, and the hash of the text that it was made of.
type tree struct {
	hash uint64
	tree []byte
}

// maxTrees bounds the trees unpacked.
const maxTrees = 64 << 20

var errTrees = errors.New("the parsed rules are broken")

func readTrees(packed []byte) (map[string]tree, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxTrees))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	b, err := dec.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	part := func() ([]byte, bool) {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return nil, false
		}
		out := b[k : k+int(n)] //nolint:gosec // not more than there is
		b = b[k+int(n):]       //nolint:gosec // the same
		return out, true
	}
	out := map[string]tree{}
	for len(b) > 0 {
		name, ok := part()
		if !ok || len(b) < 8 {
			return nil, errTrees
		}
		hash := binary.BigEndian.Uint64(b)
		b = b[8:]
		text, ok := part()
		if !ok {
			return nil, errTrees
		}
		out[string(name)] = tree{hash, text}
	}
	return out, nil
}

// WriteTrees packs parsed files, as parse returns them, for the file trees.zst.
func WriteTrees(files []rule.File, parse func(data []byte) []byte) ([]byte, error) {
	var b []byte
	for _, f := range files {
		t := parse(f.Data)
		if len(t) == 0 {
			continue
		}
		b = append(binary.AppendUvarint(b, uint64(len(f.Path))), f.Path...)
		b = binary.BigEndian.AppendUint64(b, xxhash.Sum64(f.Data))
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return enc.EncodeAll(b, nil), enc.Close()
}
