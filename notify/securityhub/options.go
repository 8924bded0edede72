package securityhub

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/yagura-sec/yagura/notify"
)

// Options configure a sink.
type Options struct {
	Name string // in the configuration
	// AWS is where and as whom to call: region, credentials, endpoint, HTTP client.
	AWS aws.Config
	// Account is the account of these credentials; "" asks STS once.
	Account string
	// Accounts are connections to other accounts (roles there), by account id.
	Accounts map[string]aws.Config
	// Link makes the address of an issue's page; nil gives none.
	Link func(issueID string) string
	Lang notify.Lang // of title and timeline; "" is English
	// SuppressFor is how long a SUPPRESSED finding suppresses its issue, for Security Hub
	// knows no end of it (0: 30 days).
	SuppressFor time.Duration
	// Window is how long a notice waits for others that go out in the same call (0: 50 ms).
	Window time.Duration
	// Timeout bounds one call (0: 30 s).
	Timeout time.Duration
	Now     func() time.Time // nil: time.Now
}

var accountID = regexp.MustCompile(`^\d{12}$`)

func (o *Options) check() error {
	if o.Name == "" {
		return fmt.Errorf("securityhub: a sink needs a name")
	}
	if o.AWS.Region == "" {
		return fmt.Errorf("securityhub %s: there is no region (hint: set region, or AWS_REGION)", o.Name)
	}
	if o.Account != "" && !accountID.MatchString(o.Account) {
		return fmt.Errorf("securityhub %s: account %q: want 12 digits", o.Name, o.Account)
	}
	for id, c := range o.Accounts {
		if !accountID.MatchString(id) {
			return fmt.Errorf("securityhub %s: accounts: %q: want 12 digits", o.Name, id)
		}
		if c.Region == "" {
			return fmt.Errorf("securityhub %s: account %s: there is no region", o.Name, id)
		}
	}
	o.SuppressFor = cmp.Or(o.SuppressFor, 30*24*time.Hour)
	o.Window = cmp.Or(o.Window, 50*time.Millisecond)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// partition is the part of AWS's world that a region is in.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func productARN(region, account string) string {
	return "arn:" + partition(region) + ":securityhub:" + region + ":" + account + ":product/" + account + "/default"
}

// Marker begins the Id and the GeneratorId of every finding of ours.
const Marker = "yagura/"

const (
	issuePrefix = Marker + "issue/"
	testPrefix  = Marker + "test/"
)

// Own says whether a finding that comes back through a source was imported by Yagura, and
// the issue that it is about ("" for a test). Anybody who may import findings into the
// account can write the same marks, so whoever drops own findings should look whether
// there is such an issue.
func Own(productARN, generatorID, id string) (issueID string, own bool) {
	if !strings.HasSuffix(productARN, "/default") || !strings.Contains(productARN, ":securityhub:") ||
		!strings.HasPrefix(generatorID, Marker) {
		return "", false
	}
	if issueID, own = strings.CutPrefix(id, issuePrefix); own {
		return issueID, issueID != ""
	}
	return "", strings.HasPrefix(id, testPrefix)
}

// times are a finding's, in milliseconds; 0 is not known.
type times struct{ created, updated int64 }

func (t times) latest(u times) times {
	if t.created == 0 {
		t.created = u.created
	}
	t.updated = max(t.updated, u.updated)
	return t
}
