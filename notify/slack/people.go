package slack

import (
	"context"
	"net/url"
	"time"

	"github.com/yagura-sec/yagura/notify"
)

// person is what is known of a user.
type person struct{ Name string }

// byEmail finds a user.
func (s *Sink) byEmail(ctx context.Context, email string) (string, error) {
	var out struct {
		User struct {
			ID      string `json:"id"`
			Deleted bool   `json:"deleted"`
			IsBot   bool   `json:"is_bot"`
		} `json:"user"`
	}
	if err := s.c.read(ctx, "users.lookupByEmail", "", url.Values{"email": {email}}, &out); err != nil {
		return "", err
	}
	if !userID.MatchString(out.User.ID) || out.User.Deleted || out.User.IsBot {
		return "", errNobody
	}
	return out.User.ID, nil
}

// who names a user for a change: "slack:U0123456789 (Mary Smith)". The name is for people
// and never decides anything; without it the id does.
func (s *Sink) who(ctx context.Context, user string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	p, ok := s.people.get(user)
	if !ok {
		var out struct {
			User struct {
				Name    string `json:"name"`
				Real    string `json:"real_name"`
				Profile struct {
					Real string `json:"real_name"`
				} `json:"profile"`
			} `json:"user"`
		}
		if err := s.c.read(ctx, "users.info", "", url.Values{"user": {user}}, &out); err == nil {
			for _, name := range []string{out.User.Real, out.User.Profile.Real, out.User.Name} {
				if p.Name == "" {
					p.Name = notify.Words(notify.English).Cut(notify.Line(notify.Mask(name)), 80)
				}
			}
			s.people.put(user, p)
		}
	}
	if p.Name == "" {
		return "slack:" + user
	}
	return "slack:" + user + " (" + p.Name + ")"
}
