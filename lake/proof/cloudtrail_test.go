package proof

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// trail makes digests and log files in the form that AWS gives them, signed with a key of
// its own.
type trail struct {
	t               testing.TB
	dir             string
	key             *rsa.PrivateKey
	account, region string
	prefix, name    string
	at              time.Time
	prev            *made
	logs            int
}

type made struct {
	bucket, key, hash, sig string
	file                   string
	logs                   []string // files
	logKeys                []string
}

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func newTrail(t testing.TB) *trail {
	return &trail{t: t, dir: t.TempDir(), key: testKey(), account: "111122223333", region: "us-east-2", name: "org-trail",
		at: time.Date(2026, 5, 1, 0, 1, 31, 0, time.UTC)}
}

func fingerprint(k *rsa.PublicKey) string {
	return fmt.Sprintf("%x", md5.Sum(x509.MarshalPKCS1PublicKey(k))) //nolint:gosec // AWS's fingerprint is MD5
}

func keysJSON(k *rsa.PublicKey, from, to time.Time) string {
	return fmt.Sprintf(`{"PublicKeyList":[{"Value":%q,"ValidityStartTime":%q,"ValidityEndTime":%d.0,"Fingerprint":%q}]}`,
		base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(k)), from.Format("2006-01-02T15:04:05.000000-07:00"), to.Unix(), fingerprint(k))
}

func testKeys(t testing.TB) *Keys {
	t.Helper()
	var keys Keys
	if err := keys.ReadKeys(strings.NewReader(keysJSON(&testKey().PublicKey, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)))); err != nil {
		t.Fatal(err)
	}
	return &keys
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (tr *trail) write(key string, data []byte) string {
	tr.t.Helper()
	file := filepath.Join(tr.dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		tr.t.Fatal(err)
	}
	return file
}

// hour makes the digest of the next hour with n log files. meta keeps its signature beside.
func (tr *trail) hour(n int, meta, backfill bool) *made {
	tr.t.Helper()
	start, end := tr.at, tr.at.Add(time.Hour)
	tr.at = end
	m := &made{bucket: "trail-111122223333"}
	suffix := ""
	if backfill {
		suffix = "_backfill"
	}
	base := tr.prefix + "AWSLogs/"
	m.key = fmt.Sprintf("%s%s/CloudTrail-Digest/%s/%s/%s_CloudTrail-Digest_%s_%s_us-east-2_%s%s.json.gz", base, tr.account, tr.region,
		end.Format("2006/01/02"), path.Base(tr.account), tr.region, tr.name, end.Format("20060102T150405Z"), suffix)
	logs := []map[string]any{}
	for i := range n {
		tr.logs++
		at := start.Add(time.Duration(i+1) * time.Minute)
		key := fmt.Sprintf("%s%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_x%015d.json.gz", base, tr.account, tr.region, at.Format("2006/01/02"),
			path.Base(tr.account), tr.region, at.Format("20060102T1504Z"), tr.logs)
		content := fmt.Appendf(nil, `{"Records":[{"eventID":"%08d","userAgent":"aws-cli","eventName":"ListBuckets"}]}`, tr.logs)
		sum := sha256.Sum256(content)
		m.logs = append(m.logs, tr.write(key, zipped(tr.t, content)))
		m.logKeys = append(m.logKeys, key)
		logs = append(logs, map[string]any{"s3Bucket": m.bucket, "s3Object": key, "hashValue": hex.EncodeToString(sum[:]), "hashAlgorithm": "SHA-256",
			"newestEventTime": at.Format(time.RFC3339), "oldestEventTime": at.Format(time.RFC3339)})
	}
	d := map[string]any{"awsAccountId": path.Base(tr.account), "digestStartTime": start.Format(time.RFC3339), "digestEndTime": end.Format(time.RFC3339),
		"digestS3Bucket": m.bucket, "digestS3Object": m.key, "digestPublicKeyFingerprint": fingerprint(&tr.key.PublicKey),
		"digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": nil, "oldestEventTime": nil, "logFiles": logs,
		"previousDigestS3Bucket": nil, "previousDigestS3Object": nil, "previousDigestHashValue": nil, "previousDigestHashAlgorithm": nil, "previousDigestSignature": nil}
	prevSig := "null"
	if p := tr.prev; p != nil {
		d["previousDigestS3Bucket"], d["previousDigestS3Object"] = p.bucket, p.key
		d["previousDigestHashValue"], d["previousDigestHashAlgorithm"], d["previousDigestSignature"] = p.hash, "SHA-256", p.sig
		prevSig = p.sig
	}
	data, err := json.Marshal(d)
	if err != nil {
		tr.t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	m.hash = hex.EncodeToString(sum[:])
	text := sha256.Sum256([]byte(end.Format(time.RFC3339) + "\n" + m.bucket + "/" + m.key + "\n" + m.hash + "\n" + prevSig))
	sig, err := rsa.SignPKCS1v15(rand.Reader, tr.key, crypto.SHA256, text[:])
	if err != nil {
		tr.t.Fatal(err)
	}
	m.sig = hex.EncodeToString(sig)
	m.file = tr.write(m.key, zipped(tr.t, data))
	if meta {
		tr.write(m.key+metaSuffix, fmt.Appendf(nil, `{"ContentLength":1,"Metadata":{"signature":%q,"signature-algorithm":"SHA256withRSA","backfill-generation-timestamp":%q}}`, m.sig, end.Format(time.RFC3339)))
	}
	tr.prev = m
	return m
}

type got struct {
	Kind   string
	Status Status
	Object string
}

// faults runs the verification and returns what is not valid, places shortened to names.
func faults(t testing.TB, v CloudTrail, dir string) ([]got, Summary, []Result) {
	t.Helper()
	if v.Keys == nil {
		v.Keys = testKeys(t)
	}
	var out []got
	var all []Result
	sum, err := v.Verify(context.Background(), Folder(dir), func(r Result) error {
		all = append(all, r)
		if r.Status != Valid {
			out = append(out, got{r.Kind, r.Status, path.Base(r.Object)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, sum, all
}

func chain(t testing.TB) (*trail, []*made) {
	t.Helper()
	tr := newTrail(t)
	var ms []*made
	for i, n := range []int{2, 0, 3, 1, 2} {
		ms = append(ms, tr.hour(n, i == 4, false))
	}
	return tr, ms
}

func remove(t testing.TB, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func flip(t testing.TB, file string, content func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// repack changes the content of a packed file.
func repack(t testing.TB, old, new string) func([]byte) []byte {
	return func(b []byte) []byte {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var plain bytes.Buffer
		if _, err := plain.ReadFrom(z); err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(plain.String(), old, new, 1)
		if changed == plain.String() {
			t.Fatalf("%q is not in it", old)
		}
		return zipped(t, []byte(changed))
	}
}

func TestCloudTrailWhole(t *testing.T) {
	for _, c := range []struct{ name, account, prefix string }{
		{"account", "111122223333", ""}, {"organisation", "o-exampleorgid/111122223333", "logs/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrail(t)
			tr.account, tr.prefix = c.account, c.prefix
			for i, n := range []int{2, 0, 3} {
				tr.hour(n, i == 2, false)
			}
			got, sum, _ := faults(t, CloudTrail{}, tr.dir)
			if len(got) > 0 || sum.Digests != 3 || sum.Logs != 5 || sum.Empty != 1 || !sum.OK() {
				t.Errorf("%v %+v", got, sum)
			}
			// Copies of a part of the layout, or without any, are found too.
			for _, sub := range []string{path.Dir(tr.prev.key), ""} {
				flat := t.TempDir()
				err := filepath.Walk(tr.dir, func(p string, i os.FileInfo, err error) error {
					if err != nil || i.IsDir() {
						return err
					}
					data, err := os.ReadFile(p)
					if err != nil {
						return err
					}
					to := filepath.Join(flat, filepath.Base(p))
					if sub != "" && strings.Contains(p, "Digest") {
						to = filepath.Join(flat, "copy", path.Base(sub), filepath.Base(p))
					}
					if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
						return err
					}
					return os.WriteFile(to, data, 0o600)
				})
				if err != nil {
					t.Fatal(err)
				}
				if got, sum, _ := faults(t, CloudTrail{}, flat); len(got) > 0 || sum.Logs != 5 {
					t.Errorf("flat %q: %v %+v", sub, got, sum)
				}
			}
		})
	}
}

func TestCloudTrailFaults(t *testing.T) {
	day := time.Date(2026, 5, 1, 0, 1, 31, 0, time.UTC)
	for _, c := range []struct {
		name string
		do   func(t *testing.T, tr *trail, m []*made)
		v    CloudTrail
		want func(m []*made) []got
	}{
		{"altered log", func(t *testing.T, _ *trail, m []*made) {
			flip(t, m[2].logs[1], repack(t, "ListBuckets", "GetBuckets!"))
		}, CloudTrail{},
			func(m []*made) []got { return []got{{"log", Altered, path.Base(m[2].logKeys[1])}} }},
		{"flipped bit in a packed log", func(t *testing.T, _ *trail, m []*made) {
			flip(t, m[2].logs[1], func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		}, CloudTrail{}, func(m []*made) []got { return []got{{"log", Altered, path.Base(m[2].logKeys[1])}} }},
		{"gzip member hung on", func(t *testing.T, _ *trail, m []*made) {
			flip(t, m[0].logs[0], func(b []byte) []byte { return append(b, zipped(t, []byte("more"))...) })
		}, CloudTrail{}, func(m []*made) []got { return []got{{"log", Altered, path.Base(m[0].logKeys[0])}} }},
		{"missing log", func(t *testing.T, _ *trail, m []*made) { remove(t, m[3].logs[0]) }, CloudTrail{},
			func(m []*made) []got { return []got{{"log", Missing, path.Base(m[3].logKeys[0])}} }},
		{"missing digest", func(t *testing.T, _ *trail, m []*made) { remove(t, m[2].file) }, CloudTrail{},
			func(m []*made) []got {
				// The digest before it has lost what signs it, and what it names is not proven.
				return []got{{"digest", Unsigned, path.Base(m[1].key)}, {"digest", Missing, path.Base(m[2].key)},
					{"log", Unproven, path.Base(m[2].logKeys[0])}, {"log", Unproven, path.Base(m[2].logKeys[1])}, {"log", Unproven, path.Base(m[2].logKeys[2])}}
			}},
		{"first digest missing", func(t *testing.T, _ *trail, m []*made) { remove(t, m[0].file) }, CloudTrail{},
			func(m []*made) []got {
				return []got{{"digest", Missing, path.Base(m[0].key)}, {"log", Outside, path.Base(m[0].logKeys[0])}, {"log", Outside, path.Base(m[0].logKeys[1])}}
			}},
		{"begins on purpose", func(*testing.T, *trail, []*made) {}, CloudTrail{From: day.Add(150 * time.Minute)},
			func(m []*made) []got { return []got{{"digest", Begins, path.Base(m[2].key)}} }},
		{"ends too early", func(t *testing.T, tr *trail, _ []*made) {}, CloudTrail{To: day.Add(7 * time.Hour)},
			func(m []*made) []got { return []got{{"digest", Ends, path.Base(m[4].key)}} }},
		{"altered digest", func(t *testing.T, _ *trail, m []*made) {
			flip(t, m[2].file, repack(t, "oldestEventTime", "oldestEventTimE"))
		}, CloudTrail{},
			func(m []*made) []got {
				return []got{{"digest", Altered, path.Base(m[2].key)}, {"log", Unproven, path.Base(m[2].logKeys[0])}, {"log", Unproven, path.Base(m[2].logKeys[1])},
					{"log", Unproven, path.Base(m[2].logKeys[2])}, {"digest", Unsigned, ""}}[:4]
			}},
		{"altered last digest", func(t *testing.T, _ *trail, m []*made) {
			flip(t, m[4].file, repack(t, "oldestEventTime", "oldestEventTimE"))
		}, CloudTrail{},
			func(m []*made) []got {
				return []got{{"digest", BadSign, path.Base(m[4].key)}, {"log", Unproven, path.Base(m[4].logKeys[0])}, {"log", Unproven, path.Base(m[4].logKeys[1])}}
			}},
		{"flipped bit in a packed digest", func(t *testing.T, _ *trail, m []*made) {
			flip(t, m[1].file, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		}, CloudTrail{}, func(m []*made) []got {
			return []got{{"digest", Unsigned, path.Base(m[0].key)}, {"log", Unproven, path.Base(m[0].logKeys[0])}, {"log", Unproven, path.Base(m[0].logKeys[1])}, {"digest", Altered, path.Base(m[1].key)}}
		}},
		{"digest in another's place", func(t *testing.T, tr *trail, m []*made) {
			data, err := os.ReadFile(m[1].file)
			if err != nil {
				t.Fatal(err)
			}
			flip(t, m[2].file, func([]byte) []byte { return data })
		}, CloudTrail{}, func(m []*made) []got {
			return []got{{"digest", Moved, path.Base(m[1].key)}, {"digest", Unsigned, path.Base(m[1].key)}, {"digest", Missing, path.Base(m[2].key)},
				{"log", Unproven, path.Base(m[2].logKeys[0])}, {"log", Unproven, path.Base(m[2].logKeys[1])}, {"log", Unproven, path.Base(m[2].logKeys[2])}}
		}},
		{"forged log", func(t *testing.T, tr *trail, m []*made) {
			tr.write("AWSLogs/111122223333/CloudTrail/us-east-2/2026/05/01/111122223333_CloudTrail_us-east-2_20260501T0205Z_forgedforged.json.gz", zipped(t, []byte("{}")))
		}, CloudTrail{}, func([]*made) []got {
			return []got{{"log", Unlisted, "111122223333_CloudTrail_us-east-2_20260501T0205Z_forgedforged.json.gz"}}
		}},
		{"no signature at the end", func(t *testing.T, _ *trail, m []*made) { remove(t, m[4].file+metaSuffix) }, CloudTrail{},
			func(m []*made) []got {
				return []got{{"digest", Unsigned, path.Base(m[4].key)}, {"log", Unproven, path.Base(m[4].logKeys[0])}, {"log", Unproven, path.Base(m[4].logKeys[1])}}
			}},
		{"no signature at the end, accepted", func(t *testing.T, _ *trail, m []*made) { remove(t, m[4].file+metaSuffix) }, CloudTrail{AcceptUnsignedEnd: true},
			func([]*made) []got { return nil }},
		{"no signature in the middle is never accepted", func(t *testing.T, _ *trail, m []*made) { remove(t, m[2].file) }, CloudTrail{AcceptUnsignedEnd: true},
			func(m []*made) []got {
				return []got{{"digest", Unsigned, path.Base(m[1].key)}, {"digest", Missing, path.Base(m[2].key)},
					{"log", Unproven, path.Base(m[2].logKeys[0])}, {"log", Unproven, path.Base(m[2].logKeys[1])}, {"log", Unproven, path.Base(m[2].logKeys[2])}}
			}},
		{"gap", func(t *testing.T, tr *trail, m []*made) {
			tr.at = tr.at.Add(5 * time.Hour)
			tr.prev = nil
			tr.hour(1, true, false)
		}, CloudTrail{},
			func([]*made) []got {
				return []got{{"digest", Gap, "111122223333_CloudTrail-Digest_us-east-2_org-trail_us-east-2"}}
			}},
		{"backfill", func(t *testing.T, tr *trail, m []*made) {
			tr.at = day.Add(time.Hour)
			tr.prev = nil
			tr.hour(2, true, true)
		}, CloudTrail{},
			func([]*made) []got { return nil }},
		{"unpacked copies", func(t *testing.T, tr *trail, m []*made) {
			for _, f := range append(slices.Clone(m[2].logs), m[2].file) {
				flip(t, f, func(b []byte) []byte {
					z, err := gzip.NewReader(bytes.NewReader(b))
					if err != nil {
						t.Fatal(err)
					}
					var plain bytes.Buffer
					if _, err := plain.ReadFrom(z); err != nil {
						t.Fatal(err)
					}
					return plain.Bytes()
				})
				if err := os.Rename(f, strings.TrimSuffix(f, ".gz")); err != nil {
					t.Fatal(err)
				}
			}
		}, CloudTrail{}, func([]*made) []got { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr, ms := chain(t)
			c.do(t, tr, ms)
			got, sum, all := faults(t, c.v, tr.dir)
			if d := cmp.Diff(c.want(ms), got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			bad := slices.ContainsFunc(got, func(g got_) bool { return g.Status.Fault() })
			if sum.OK() == bad {
				t.Errorf("OK is %t", sum.OK())
			}
			for _, r := range all {
				if r.Status == Altered && r.Want == "" || r.Status == Missing && (r.Want == "" || r.By == "") {
					t.Errorf("nothing says what was expected: %v", r)
				}
			}
		})
	}
}

type got_ = got

func TestCloudTrailKeys(t *testing.T) {
	tr, ms := chain(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	from, to := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, keys string
		want       Status
	}{
		{"several, one behind the other", keysJSON(&other.PublicKey, from, to) + "\n" + keysJSON(&tr.key.PublicKey, from, to), ""},
		{"another key", keysJSON(&other.PublicKey, from, to), NoKey},
		{"out of use", keysJSON(&tr.key.PublicKey, from, from.Add(time.Hour)), NoKey},
		{"another key under its fingerprint", strings.Replace(keysJSON(&other.PublicKey, from, to), fingerprint(&other.PublicKey), fingerprint(&tr.key.PublicKey), 1), BadSign},
	} {
		t.Run(c.name, func(t *testing.T) {
			var keys Keys
			if err := keys.ReadKeys(strings.NewReader(c.keys)); err != nil {
				t.Fatal(err)
			}
			_, sum, all := faults(t, CloudTrail{Keys: &keys}, tr.dir)
			if c.want == "" {
				if !sum.OK() {
					t.Errorf("%+v", sum)
				}
				return
			}
			if all[0].Status != c.want || sum.Digests != 0 || sum.ByStatus[c.want] != len(ms) {
				t.Errorf("%v %+v", all[0], sum)
			}
		})
	}
	for _, bad := range []string{"", "{}", "[]", `{"PublicKeyList":[]}`, `{"PublicKeyList":[{"Value":"AAAA","Fingerprint":"x"}]}`, "-----BEGIN", `{"PublicKeyList":[{"ValidityStartTime":"yesterday"}]}`} {
		if err := new(Keys).ReadKeys(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// The key and fingerprint of AWS's own example hold the form of both.
func TestFingerprintForm(t *testing.T) {
	const value = "MIIBCgKCAQEAn11L2YZ9h7onug2ILi1MWyHiMRsTQjfWE+pHVRLk1QjfWhirG+lpOa8NrwQ/r7Ah5bNL6HepznOU9XTDSfmmnP97mqyc7z/upfZdS/AHhYcGaz7n6Wc/RRBU6VmiPCrAUojuSk6/GjvA8iOPFsYDuBtviXarvuLPlrT9kAd4Lb+rFfR5peEgBEkhlzc5HuWO7S0y+KunqxX6jQBnXGMtxmPBPP0FylgWGNdFtks/4YSKcgqwH0YDcawP9GGGDAeCIqPWIXDLG1jOjRRzWfCmD0iJUkz8vTsn4hq/5ZxRFE7UBAUiVcGbdnDdvVfhF9C3dQiDq3k7adQIziLT0cShgQIDAQAB"
	var keys Keys
	if err := keys.ReadKeys(strings.NewReader(`{"PublicKeyList":[{"ValidityStartTime":1436317441.0,"ValidityEndTime":1438909441.0,"Value":"` + value + `","Fingerprint":"8eba5db5bea9b640d1c96a77256fe7f2"}]}`)); err != nil {
		t.Fatal(err)
	}
	k := keys.lookup("8eba5db5bea9b640d1c96a77256fe7f2")
	if len(k) != 1 || fingerprint(k[0].key) != "8eba5db5bea9b640d1c96a77256fe7f2" || k[0].from.Format(time.RFC3339) != "2015-07-08T01:04:01Z" {
		t.Errorf("%+v", k)
	}
}

// Any flipped bit of any digest or log file is found, unless what is unpacked stays the same.
func TestCloudTrailEveryBit(t *testing.T) {
	tr := newTrail(t)
	a, b := tr.hour(1, false, false), tr.hour(1, true, false)
	if testing.Short() {
		t.Skip("thousands of verifications")
	}
	for _, file := range []string{a.file, b.file, a.logs[0], b.logs[0]} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain := unpack(data)
		for i := range data {
			bit := byte(1 << (i % 8))
			data[i] ^= bit
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, sum, _ := faults(t, CloudTrail{}, tr.dir)
			if same := plain == unpack(data); same == (sum.Faults > 0) {
				t.Errorf("%s byte %d: %d faults, same content %t", filepath.Base(file), i, sum.Faults, same)
			}
			data[i] ^= bit
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func unpack(data []byte) string {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return "broken"
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(z); err != nil {
		return "broken"
	}
	return b.String()
}

// The signature is taken from wherever it was put beside the copy.
func TestSignatureBeside(t *testing.T) {
	for _, c := range []struct{ suffix, form string }{
		{".metadata.json", `{"Metadata":{"signature":%q}}`}, {".meta.json", `{"x-amz-meta-signature":%q}`}, {".signature", "%s\n"}, {".sig", "%s"},
	} {
		tr, ms := chain(t)
		remove(t, ms[4].file+metaSuffix)
		tr.write(ms[4].key+c.suffix, fmt.Appendf(nil, c.form, ms[4].sig))
		if got, sum, _ := faults(t, CloudTrail{}, tr.dir); len(got) > 0 || !sum.OK() {
			t.Errorf("%s: %v", c.suffix, got)
		}
		tr.write(ms[4].key+c.suffix, fmt.Appendf(nil, c.form, strings.Replace(ms[4].sig, ms[4].sig[:2], "zz", 1)))
		if _, sum, _ := faults(t, CloudTrail{}, tr.dir); sum.OK() {
			t.Errorf("%s: a signature that is none holds", c.suffix)
		}
	}
}

func TestNoDigest(t *testing.T) {
	_, err := CloudTrail{}.Verify(context.Background(), Folder(t.TempDir()), func(Result) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tr, _ := chain(t)
	if _, err := (CloudTrail{Keys: testKeys(t)}).Verify(ctx, Folder(tr.dir), func(Result) error { return nil }); err == nil {
		t.Error("it was not cancelled")
	}
}

func FuzzParseDigest(f *testing.F) {
	tr := newTrail(f)
	for i := range 3 {
		m := tr.hour(i, false, false)
		data, err := os.ReadFile(m.file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add([]byte(unpack(data)))
	}
	f.Add([]byte(`{"digestS3Bucket":"b\nx"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDigest(data)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q", err)
			}
			return
		}
		if d.Verify(&testKey().PublicKey, strings.Repeat("00", 256)) {
			t.Error("a signature of zeros holds")
		}
		// What is signed has exactly four lines, so that no field can move into another.
		if n := bytes.Count(d.signed(), []byte("\n")); n != 3 {
			t.Errorf("%d line ends in what is signed", n)
		}
		for _, l := range d.Logs {
			if len(l.Hash) != 64 {
				t.Errorf("hash %q", l.Hash)
			}
		}
	})
}

func FuzzReadKeys(f *testing.F) {
	f.Add(keysJSON(&testKey().PublicKey, time.Unix(0, 0), time.Unix(1<<31, 0)))
	f.Fuzz(func(t *testing.T, s string) {
		var keys Keys
		if err := keys.ReadKeys(strings.NewReader(s)); err == nil && keys.Len() == 0 {
			t.Error("no key, and no error")
		}
		_ = maps.Keys(keys.by)
	})
}
