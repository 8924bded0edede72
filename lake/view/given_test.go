//go:build cgo

package view_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/lake/view"
)

// TestGiven reads records that others have published, in all shapes that there are, through
// every table: none fails on them, and the columns that queries use most have a value in most rows.
func TestGiven(t *testing.T) {
	const data = "../../../shared/data"
	if _, err := os.Stat(data); err != nil {
		t.Skip("the given records are not here: " + data)
	}
	l := newLake(t)
	for _, dir := range []string{"aws", "azure", "entra", "gcp", "datadog"} {
		err := filepath.WalkDir(filepath.Join(data, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if info, err := d.Info(); err == nil && info.Size() < 4<<20 && !strings.Contains(path, "cf-access-log") {
				l.addFile(t, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	l.write(t)
	for _, tab := range view.All() {
		if tab.Group == "house" || tab.Group == "asim" && !strings.HasPrefix(tab.Name, "_Im_") {
			continue // the same words for every format, and other names of the same tables
		}
		q, err := tab.Select(nil, l.files, time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := l.query(t, q)
		if err != nil {
			t.Errorf("%s: %v", tab.Name, err)
			continue
		}
		filled := map[string]int{}
		for _, r := range rows {
			for name := range r {
				filled[name]++
			}
		}
		if os.Getenv("FILLED") == tab.Name {
			for _, c := range tab.Columns {
				t.Logf("%s.%s: %d of %d", tab.Name, c.Name, filled[c.Name], len(rows))
			}
		}
		for table, columns := range map[string]string{
			"AWSCloudTrail": "TimeGenerated EventName EventSource AWSRegion UserIdentityType RequestParameters AwsEventId RecipientAccountId",
			"AuditLogs":     "TimeGenerated OperationName Category Result InitiatedBy TargetResources LoggedByService",
			"SigninLogs":    "TimeGenerated ResultType UserPrincipalName IPAddress AppDisplayName Status DeviceDetail LocationDetails",
			"AzureActivity": "TimeGenerated OperationNameValue ActivityStatusValue Caller CategoryValue SubscriptionId",
			"GCPAuditLogs":  "TimeGenerated MethodName ServiceName LogName AuthenticationInfo",
			"GCP_IAM":       "TimeGenerated PayloadMethodname PayloadServicename PayloadAuthenticationinfoPrincipalemail SrcIpAddr PayloadResourcename",
			"AWSGuardDuty":  "TimeGenerated ActivityType Severity Title ResourceDetails ServiceDetails",
		} {
			if table != tab.Name {
				continue
			}
			if len(rows) == 0 {
				t.Errorf("%s has no row", table)
			}
			for name := range strings.FieldsSeq(columns) {
				if filled[name]*2 < len(rows) {
					t.Errorf("%s.%s: only %d of %d rows have a value", table, name, filled[name], len(rows))
				}
			}
		}
	}
}
