package slack

import "time"

// Hurry shortens the times of Socket Mode for tests.
func (s *Sink) Hurry(ack, ping, pong, grace time.Duration) {
	s.socket.ack, s.socket.ping, s.socket.pong, s.socket.grace = ack, ping, pong, grace
	s.socket.wait = func(int) time.Duration { return time.Millisecond }
}

// Split and Plain are tested as they are.
var (
	Split = split
	Plain = plain
)

// Unseal opens the value of a button of "was this you?".
func (s *Sink) Unseal(value string) (notice, issue, user string, ok bool) {
	q, ok := s.unseal(value)
	return q.Notice, q.Issue, q.User, ok
}

// Seal makes one.
func (s *Sink) Seal(notice, issue, user string) string {
	return s.seal(question{Notice: notice, Issue: issue, User: user})
}

// Reserve asks when it is a channel's turn.
func Reserve(every time.Duration, now func() time.Time) func(string) time.Duration {
	return newTurns(every, now).reserve
}
