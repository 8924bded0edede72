package webhook

import (
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/notify"
)

// Body writes what is posted of a notice, as Deliver does.
func (s *Sink) Body(n *yagura.Notice) ([]byte, error) {
	body, _, err := s.body(n)
	return body, err
}

// Sign makes one signature.
func Sign(key, id string, at time.Time, body []byte) string {
	s, err := newSigner(key)
	if err != nil {
		panic(err)
	}
	_, signatures := sign([]signer{s}, id, at, body)
	return signatures
}

var _ notify.Tester = (*Sink)(nil)
