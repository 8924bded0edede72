package decode

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
)

func TestWords(t *testing.T) {
	var w words
	long := strings.Repeat("x", 2*maxWord)
	texts := []string{"", "a", "111122223333", "日本", "\xff", long}
	for i := range 5000 { // more than there are places
		texts = append(texts, fmt.Sprint("role-", i))
	}
	for range 2 {
		for _, want := range texts {
			buf := []byte(want)
			got := w.string(buf)
			for i := range buf {
				buf[i] = '!' // the text is the reader's, and goes
			}
			if got != want || w.string([]byte(want)) != want {
				t.Fatalf("%q came back as %q", want, got)
			}
		}
	}
	if got := (*words)(nil).string([]byte("a")); got != "a" {
		t.Errorf("without words: %q", got)
	}
	word := []byte("arn:aws:iam::111122223333:role/deploy")
	if n := testing.AllocsPerRun(100, func() { w.string(word) }); n > 0 {
		t.Errorf("a word that was met before took %v allocations", n)
	}
}

// TestEntitiesWhole: findings take over the list of entities as it is.
func TestEntitiesWhole(t *testing.T) {
	for format, files := range fixtures(t) {
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events(t, data, file) {
				want := append([]yagura.Entity{{Type: e.Actor.Type, ID: e.Actor.ID}, {Type: yagura.EntityIP, ID: e.SrcIP},
					{Type: yagura.EntityAccount, ID: e.Account}}, e.Targets...)
				for _, x := range want {
					if x.Type != "" && x.ID != "" && !slices.Contains(e.Entities, x) {
						t.Errorf("%s: %s: %v is not among the entities %v", format, e.ID, x, e.Entities)
					}
				}
				for i, x := range e.Entities {
					if x.Type == "" || x.ID == "" || !utf8.ValidString(x.ID) || slices.Contains(e.Entities[:i], x) {
						t.Errorf("%s: %s: entity %d of %v", format, e.ID, i, e.Entities)
					}
				}
			}
		}
	}
	e := events(t, []byte("{\"eventVersion\":\"1.08\",\"eventName\":\"x\",\"eventSource\":\"iam.amazonaws.com\",\"userIdentity\":{\"type\":\"IAMUser\",\"arn\":\"a\xff\"}}"), "t.json")[0]
	if got := e.Entities[0].ID; got != "a\uFFFD" {
		t.Errorf("an entity with a wrong byte is called %q", got)
	}
}
