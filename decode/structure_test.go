package decode

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/slot"
)

// TestTextAsStructure reads text that holds JSON as structure, and as text.
func TestTextAsStructure(t *testing.T) {
	for _, c := range []struct {
		file, path string
		want       []string
	}{
		{"testdata/entra.audit/eventhub.json", "properties.targetResources.modifiedProperties.newValue",
			[]string{`"Global Administrator"`, `["[KeyIdentifier=00000000-0000-4000-8000-000000000abc,KeyType=Password,KeyUsage=Verify,DisplayName=extra]"]`, `"True"`, `[{"Scope":"Mail.Read","ConsentType":"AllPrincipals"}]`}},
		{"testdata/entra.audit/eventhub.json", "properties.targetResources.modifiedProperties.newValue.Scope", []string{"Mail.Read"}},
		{"testdata/entra.audit/loganalytics.json", "TargetResources.modifiedProperties.newValue.ConsentType", []string{"AllPrincipals"}},
		{"testdata/entra.audit/loganalytics.json", "InitiatedBy.user.userPrincipalName", []string{"admin@example.com", "admin@example.com"}},
		{"testdata/entra.signin/loganalytics.json", "Status.errorCode", []string{"0", "50126", "0", "7000215", "0"}},
		{"testdata/aws.cloudtrail/eventbridge.json", "requestParameters.ipPermissions.items.ipRanges.items.cidrIp", []string{"0.0.0.0/0"}},
	} {
		data, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]slot.ID{}
		dec, err := New(Options{Want: func(format string, b *slot.Builder) {
			ids[format] = b.Slot(slot.Field{Paths: []slot.Path{slot.Keys(strings.Split(c.path, ".")...)}})
		}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		r := dec.NewReader(strings.NewReader(string(data)), c.file)
		for {
			rec, err := r.Next()
			if err != nil {
				break
			}
			for v := rec.Doc.First(ids[rec.Format.Name]); v >= 0; v = rec.Doc.Next(v) {
				got = append(got, string(rec.Doc.Text(v)))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %s:\n got %q\nwant %q", c.file, c.path, got, c.want)
		}
	}
}
