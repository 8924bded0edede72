package cloudwatch

import "github.com/yagura-sec/yagura"

// Render writes a notice as an event.
func (s *Sink) Render(n *yagura.Notice) ([]byte, error) { return s.render(n) }
