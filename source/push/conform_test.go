package push

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/segment/segtest"
	"github.com/yagura-sec/yagura/source"
	"github.com/yagura-sec/yagura/source/sourcetest"
)

// TestConformance holds endpoints over the file log to the contract of receivers. A
// restart finds what the process before it has written, as after kill -9.
func TestConformance(t *testing.T) {
	for _, named := range []bool{false, true} {
		name := "requests without a name"
		if named {
			name = "requests with a name"
		}
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T) sourcetest.Harness { return harness(t, named) })
		})
	}
}

var errPoison = errors.New("it names no object")

func harness(t *testing.T, named bool) sourcetest.Harness {
	c := sourcetest.NewClock()
	disk := segtest.New(1)
	var e *Endpoint
	send := func(t *testing.T, name, body string) {
		headers := []string{"Authorization", "Bearer " + token}
		if named {
			headers = append(headers, "Webhook-Id", name)
		}
		want(t, post(e, body, headers...), 200, "stored")
	}
	return sourcetest.Harness{
		Clock: c,
		Open: func(t *testing.T) source.Receiver {
			disk = disk.Kill()
			log, err := OpenFileLog(FileLogOptions{Dir: "received", FS: disk, Now: c.Now, FileBytes: 2000})
			if err != nil {
				t.Fatal(err)
			}
			e, err = NewGeneric(GenericOptions{
				Common: Common{Name: "test", Log: log, Now: c.Now, Poll: 2 * time.Millisecond, Resolve: func(_ context.Context, body []byte) ([]source.Object, bool, error) {
					if string(body) == "{}" {
						return nil, true, errPoison
					}
					return nil, false, nil
				}},
				Access: Access{Bearer: []string{token}},
			})
			if err != nil {
				t.Fatal(err)
			}
			return e
		},
		Put:    send,
		Poison: func(t *testing.T, name string) { send(t, name, "{}") },
	}
}
