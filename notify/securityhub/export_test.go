package securityhub

import (
	"encoding/json"

	"github.com/yagura-sec/yagura"
)

// Render is the JSON form of the finding of a notice, without the nulls that the SDK leaves
// out too.
func (s *Sink) Render(n *yagura.Notice) []byte {
	f := s.finding(n, place{s.account, s.own.region}, issuePrefix+n.Issue.ID, times{1, 2})
	body, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		panic(err)
	}
	body, err = json.Marshal(strip(v))
	if err != nil {
		panic(err)
	}
	return body
}

func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x == nil || x == "" {
				delete(v, k)
			} else {
				v[k] = strip(x)
			}
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	}
	return v
}
