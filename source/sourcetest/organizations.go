package sourcetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Organizations is a fake of the service that lists the accounts of an organisation.
type Organizations struct {
	service
	units    []unit
	accounts []Member
}

// Member is an account of the fake organisation.
type Member struct {
	ID, Name, Email string
	State           string            // "": ACTIVE
	Parent          string            // id of a unit; "": the root
	Tags            map[string]string // at most 50
}

type unit struct{ id, name, parent string }

// Ids of the fake organisation.
const (
	OrganizationID = "o-exampleorg"
	RootID         = "r-abcd"
)

// NewOrganizations serves an organisation on loopback.
func NewOrganizations(t testing.TB, clock Time) *Organizations {
	o := &Organizations{}
	o.serve(t, "organizations", clock, o.answer)
	return o
}

// Unit makes an organisational unit below another, or below the root where parent is "",
// and returns its id.
func (o *Organizations) Unit(name, parent string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if parent == "" {
		parent = RootID
	}
	id := fmt.Sprintf("ou-abcd-%08d", len(o.units)+1)
	o.units = append(o.units, unit{id, name, parent})
	return id
}

// Add makes an account.
func (o *Organizations) Add(m Member) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.Parent == "" {
		m.Parent = RootID
	}
	if m.State == "" {
		m.State = "ACTIVE"
	}
	o.accounts = append(o.accounts, m)
}

var (
	accountID = regexp.MustCompile(`^\d{12}$`)
	parentID  = regexp.MustCompile(`^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
)

const (
	organizationsPage  = 20
	organizationsTypes = ""
)

func (o *Organizations) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AWSOrganizationsV20161128.")
	if !ok || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		faultf("UnknownOperationException", "not a request of this protocol").write(w, organizationsTypes)
		return
	}
	if answered, err := o.admit(w, r, action); answered {
		return
	} else if err != nil {
		code := "AccessDeniedException"
		if errors.Is(err, errUnsigned) {
			code = "MissingAuthenticationTokenException"
		}
		faultf(code, "%v", err).write(w, organizationsTypes)
		return
	}
	out, f := o.do(action, body)
	if f != nil {
		f.write(w, organizationsTypes)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out) // the client may be gone
}

func (o *Organizations) do(action string, body []byte) (any, *fault) {
	var in struct {
		MaxResults                    *int
		NextToken                     string
		ParentId, ChildId, ResourceId string //nolint:revive // the names of the protocol
	}
	if f := strict(body, &in); f != nil {
		return nil, f
	}
	number, f := within(in.MaxResults, organizationsPage, 1, organizationsPage, "MaxResults")
	if f != nil {
		return nil, faultf("InvalidInputException", "%s", f.message)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if in.ParentId != "" && (!parentID.MatchString(in.ParentId) || in.ParentId != RootID && !slices.ContainsFunc(o.units, func(u unit) bool { return u.id == in.ParentId })) {
		return nil, faultf("ParentNotFoundException", "You specified a root or OU that does not exist.")
	}
	switch action {
	case "DescribeOrganization":
		return map[string]any{"Organization": map[string]any{"Id": OrganizationID, "MasterAccountId": "111122223333", "FeatureSet": "ALL"}}, nil
	case "ListRoots":
		return map[string]any{"Roots": []map[string]any{{"Id": RootID, "Name": "Root"}}}, nil
	case "ListAccounts", "ListAccountsForParent":
		var all []map[string]any
		for _, m := range o.accounts {
			if action == "ListAccounts" || m.Parent == in.ParentId {
				all = append(all, map[string]any{"Id": m.ID, "Name": m.Name, "Email": m.Email, "State": m.State,
					"Arn": "arn:aws:organizations::111122223333:account/" + OrganizationID + "/" + m.ID})
			}
		}
		return paged(all, "Accounts", number, in.NextToken)
	case "ListOrganizationalUnitsForParent":
		var all []map[string]any
		for _, u := range o.units {
			if u.parent == in.ParentId {
				all = append(all, map[string]any{"Id": u.id, "Name": u.name})
			}
		}
		return paged(all, "OrganizationalUnits", number, in.NextToken)
	case "ListTagsForResource":
		if in.MaxResults != nil {
			return nil, faultf("SerializationException", "MaxResults is no field of this request")
		}
		for _, m := range o.accounts {
			if m.ID == in.ResourceId && accountID.MatchString(m.ID) {
				var tags []map[string]any
				for k, v := range m.Tags {
					tags = append(tags, map[string]any{"Key": k, "Value": v})
				}
				slices.SortFunc(tags, func(a, b map[string]any) int { return strings.Compare(a["Key"].(string), b["Key"].(string)) })
				return paged(tags, "Tags", organizationsPage, in.NextToken)
			}
		}
		return nil, faultf("TargetNotFoundException", "We can't find the target.")
	}
	return nil, faultf("UnknownOperationException", "%s", action)
}

// paged cuts a page. A page may be empty although there is more, as the real service's may.
func paged(all []map[string]any, name string, number int, token string) (any, *fault) {
	from := 0
	if token != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(token, "page-"))
		if err != nil || n < 0 || n > len(all) {
			return nil, faultf("InvalidInputException", "INVALID_PAGINATION_TOKEN")
		}
		from = n
	}
	if token == "" && len(all) > number {
		return map[string]any{name: []any{}, "NextToken": "page-0"}, nil
	}
	to := min(from+number, len(all))
	out := map[string]any{name: append([]map[string]any{}, all[from:to]...)}
	if to < len(all) {
		out["NextToken"] = "page-" + strconv.Itoa(to)
	}
	return out, nil
}
