package bound

import (
	"fmt"
	"io"
)

// Body returns a body whose Read returns an error once more than most bytes were read. What
// was read too much is not handed out.
func Body(body io.ReadCloser, most int64) io.ReadCloser {
	return &bounded{ReadCloser: body, left: most, most: most}
}

type bounded struct {
	io.ReadCloser
	left, most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the answer has more than %d bytes", b.most)
	}
	return n, err
}
