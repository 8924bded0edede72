package ocsf

import "strings"

// verbs are what calls begin with, by the activity of API Activity that they are.
var verbs = []struct {
	words    string
	activity int
}{
	{"create add put insert run start issue register import upload generate enable new post allocate authorize invite copy grant publish send submit", 1},
	{"get list describe head read view search query lookup batchget download watch select check test validate export preview access fetch count scan", 2},
	{"update set modify attach detach change patch replace associate disassociate tag untag edit rename reset rotate move restore assign unassign configure reboot invoke execute approve", 3},
	{"delete remove terminate stop deregister revoke disable destroy purge drop cancel release", 4},
}

// crud reads what a call does from its verb: the beginning of the method, else of the whole,
// else one of its two words (user_update); 99 where no verb is known.
func crud(action string) int {
	action = strings.ToLower(strings.TrimRight(action, ". "))
	last := action
	if i := strings.LastIndexAny(last, ".:/ "); i >= 0 {
		last = last[i+1:]
	}
	if n := verb(last); n != 0 {
		return n
	}
	if n := verb(action); n != 0 {
		return n
	}
	if one, two, ok := strings.Cut(last, "_"); ok && !strings.Contains(two, "_") {
		if n := verb(one); n != 0 {
			return n
		}
		if n := verb(two); n != 0 {
			return n
		}
	}
	return other
}

func verb(word string) int {
	for _, v := range verbs {
		for w := range strings.FieldsSeq(v.words) {
			if strings.HasPrefix(word, w) {
				return v.activity
			}
		}
	}
	return 0
}
