package triage

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/rule"
)

// maxPart bounds one part of a cause key in bytes; what is longer is cut and closed by a
// hash of the whole.
const maxPart = 200

// foldWord stands where the rule stands in the key of a finding that is not folded. No
// rule's id holds a space, and a key with one is quoted.
const foldWord = "fold:"

func foldPrefix(account string) string {
	return string(append(appendQuoted(nil, account), " "+foldWord...))
}

// CauseKey is the key of a finding's issue: unique for the life of the issue, over all
// tenants and accounts of one store.
//
//	v1|tenant|account|rule word=value …        the parts that the rule's template names
//	v1|tenant|account|fold: name=value …       folded by a policy within an account
//	v1|tenant|*|fold: name=value …             folded over accounts
//
// Fold is Judgement.Fold. Tenant is one word of the configuration, "" for the only one.
func CauseKey(tenant string, f *yagura.Finding, fold string) string {
	key := fold
	if key == "" {
		key = f.CauseKey
	}
	account, rest := cutWord(key)
	if rest == "" { // not a key of ours: it is a part of its own
		account, rest = f.Event.Account, string(appendQuoted(nil, key))
	}
	if account == "" {
		account = "-"
	}
	if tenant == "" {
		tenant = "-"
	}
	b := append([]byte("v1|"), escapeBar(string(appendQuoted(nil, tenant)))...)
	b = append(append(append(b, '|'), escapeBar(account)...), '|')
	return string(append(b, rest...))
}

// CauseKeys are the keys that the issue of a finding may have while no policy folds it: its
// own, then those of its aliases.
func CauseKeys(tenant string, f *yagura.Finding) []string {
	keys := []string{CauseKey(tenant, f, "")}
	for _, alias := range f.AliasKeys {
		named := *f
		named.CauseKey = alias
		keys = append(keys, CauseKey(tenant, &named, ""))
	}
	return keys
}

// escapeBar keeps what separates the first parts out of them.
func escapeBar(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "%", "%25"), "|", "%7C")
}

// cutWord cuts the first word, which may be quoted, off a key.
func cutWord(key string) (word, rest string) {
	if strings.HasPrefix(key, `"`) {
		q, err := strconv.QuotedPrefix(key)
		if err != nil {
			return "", ""
		}
		return q, strings.TrimPrefix(key[len(q):], " ")
	}
	word, rest, _ = strings.Cut(key, " ")
	return word, rest
}

func appendPart(b []byte, name, value string) []byte {
	b = appendQuoted(append(b, ' '), name)
	return appendQuoted(append(b, '='), value)
}

// appendQuoted writes a text as the parts of cause keys are written: with a space, a
// quote or what cannot be printed it is quoted, and a long one ends in a hash.
func appendQuoted(b []byte, s string) []byte {
	if !isPlain(s) {
		s = strconv.Quote(s)
	}
	if len(s) <= maxPart {
		return append(b, s...)
	}
	sum := sha256.Sum256([]byte(s))
	cut := maxPart - 20
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return hex.AppendEncode(append(append(b, s[:cut]...), "…"...), sum[:8])
}

func isPlain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || r == '\\' || r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r)
	})
}

// listText joins the texts of a list, sorted, each once.
func listText(v any) string {
	l, ok := v.(traits.Lister)
	if !ok {
		return ""
	}
	n, _ := l.Size().(types.Int)
	var out []string
	for i := range min(n, maxValuesAt) {
		if s := foldText(l.Get(i)); s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ",")
}

// alertWord stands where the rule stands in the key of a vendor's alert.
const alertWord = "alert:"

// isAlert says whether a key of an issue is that of a vendor's alert.
func isAlert(key string) bool {
	parts := strings.SplitN(key, "|", 4)
	return len(parts) == 4 && strings.HasPrefix(parts[3], alertWord)
}

// AlertKey is Finding.CauseKey of a vendor's alert: the vendor's id of it, which stays
// the same when the vendor updates it. [CauseKey] makes the key of the issue from it.
func AlertKey(account, format, id string) string {
	if account == "" {
		account = "-"
	}
	b := append(appendQuoted(nil, account), " "+alertWord...)
	return string(appendPart(appendPart(b, "format", format), "id", id))
}

// Template is what makes the cause keys of one rule's findings.
type Template struct {
	Rule  string   // its id, or else its file and title, as it stands in its keys
	Parts []string // as the side-car names them; empty for actor and first target
}

// TemplateOf returns the template of a rule.
func TemplateOf(r *rule.Rule) Template {
	t := Template{Rule: r.ID, Parts: r.SideCar.CauseKey}
	if t.Rule == "" {
		t.Rule = r.File + "#" + r.Title
	}
	if r.Correlation != nil && len(t.Parts) == 0 {
		t.Parts = r.Correlation.GroupBy
	}
	return t
}

// Hash tells templates of one rule apart. It is what the store keeps beside the parts.
func (t Template) Hash() string {
	h := sha256.New()
	for _, p := range t.Parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// TemplateChange says that a rule makes other keys than it did.
type TemplateChange struct {
	Template          // as the rule is loaded now
	Former   []string // as the store has it
}

// TemplateChanges compares the templates that the store has, by rule, with those of the
// rules that are loaded. Rules that the store does not know are no change: they have no
// issues.
func TemplateChanges(stored map[string]Template, rules []*rule.Rule) []TemplateChange {
	var out []TemplateChange
	for _, r := range rules {
		now := TemplateOf(r)
		if was, ok := stored[now.Rule]; ok && was.Hash() != now.Hash() {
			out = append(out, TemplateChange{Template: now, Former: was.Parts})
		}
	}
	return out
}

// Alias is one more key of an issue.
type Alias struct{ Key, IssueID string }

// FindIssue looks a finding's issue up: by its key, else by the keys that former templates
// of its rule would have made. An issue that is found by a former key gets the key as an
// alias, which the caller stores with what it does to the issue: so a changed template
// opens no second issue. Lookup returns "" for a key that has no issue.
func FindIssue(key string, former []string, lookup func(key string) (issueID string, err error)) (issueID string, alias *Alias, err error) {
	if issueID, err = lookup(key); err != nil || issueID != "" {
		return issueID, nil, err
	}
	for _, k := range former {
		if k == key {
			continue
		}
		if issueID, err = lookup(k); err != nil {
			return "", nil, err
		}
		if issueID != "" {
			return issueID, &Alias{Key: key, IssueID: issueID}, nil
		}
	}
	return "", nil, nil
}

// Rekey computes the aliases of open issues under changed templates at once, where the
// record of an issue's latest finding is still kept: again judges it by the rules that
// are loaded now and returns the finding; nil where it cannot. Of issues that come to one
// key the one that was seen first gets it; the others are returned as taken, and go on
// without findings until a human closes them.
func Rekey(tenant string, issues []yagura.Issue, again func(*yagura.Finding) (*yagura.Finding, error)) (aliases []Alias, taken []string, err error) {
	sorted := slices.Clone(issues)
	slices.SortStableFunc(sorted, func(a, b yagura.Issue) int { return a.FirstSeen.Compare(b.FirstSeen) })
	owner := map[string]string{}
	for i := range sorted {
		owner[sorted[i].CauseKey] = sorted[i].ID
	}
	for i := range sorted {
		is := &sorted[i]
		if is.Latest == nil || isFolded(is.CauseKey) {
			continue // a folded key comes from the policy, and no template changes it
		}
		f, err := again(is.Latest)
		if err != nil {
			return nil, nil, fmt.Errorf("issue %s: %w", is.ID, err)
		}
		if f == nil {
			continue
		}
		key := CauseKey(tenant, f, "")
		switch by := owner[key]; by {
		case is.ID:
		case "":
			owner[key] = is.ID
			aliases = append(aliases, Alias{Key: key, IssueID: is.ID})
		default:
			taken = append(taken, is.ID)
		}
	}
	return aliases, taken, nil
}

func isFolded(key string) bool {
	parts := strings.SplitN(key, "|", 4)
	return len(parts) == 4 && strings.HasPrefix(parts[3], foldWord)
}

// passing are the last words of fields that hold another value in every record: ids of
// events and requests, times. Some are ids of other things in other logs; what is there
// is warned of and not refused.
var passing = []string{
	"eventid", "requestid", "sharedeventid", "eventtime", "x-amzn-requestid", "xamznrequestid", // CloudTrail
	"insertid", "timestamp", "receivetimestamp", // Google Cloud
	"correlationid", "activitydatetime", "createddatetime", "timegenerated", "eventdataid", "eventtimestamp", "operationid", "_itemid", // Azure and Entra
	"auditid", "requestreceivedtimestamp", "stagetimestamp", // Kubernetes
	"uuid", "published", "transactionid", "externalsessionid", // Okta
	"_document_id", "@timestamp", "created_at", "creationtime", "txid", "time", "date", "id.time", "uniquequalifier",
	"jti", "nonce",
}

// ephemeralField returns the first field of a path or an expression that holds another
// value in every record, "" where none does.
func ephemeralField(path string) string {
	for _, f := range strings.FieldsFunc(path, func(r rune) bool {
		return r != '.' && r != '_' && r != '-' && r != '@' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		last := f[strings.LastIndexByte(f, '.')+1:]
		if slices.Contains(passing, strings.ToLower(last)) {
			return f
		}
	}
	return ""
}

// sessions are fields that hold the name of a session, which AWS tools make anew each
// time; the header's actor is whom the session is of.
var sessions = []string{"userIdentity.arn", "userIdentity.principalId", "responseElements.assumedRoleUser.arn", "responseElements.assumedRoleUser.assumedRoleId"}

// PassingParts returns the entries of a template that hold another value in every
// record: each finding would be a cause of its own.
func PassingParts(parts []string) []string {
	var out []string
	for _, p := range parts {
		if _, field := rule.CausePart(p); ephemeralField(field) != "" || slices.Contains(sessions, field) {
			out = append(out, p)
		}
	}
	return out
}
