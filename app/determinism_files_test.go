package app

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// writeLog cuts a log at random and writes the pieces as files of many kinds. It
// returns paths: the folder, or its files in another order.
func writeLog(t *testing.T, r *rand.Rand, folder string, log []logRecord) []string {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for len(log) > 0 {
		n := min(len(log), 1+r.IntN(max(2, len(log))))
		if r.IntN(3) > 0 {
			n = min(n, 1+r.IntN(40))
		}
		piece, name := log[:n], filepath.Join(folder, fmt.Sprintf("%03d", r.IntN(1000)))
		log = log[n:]
		if _, err := os.Stat(name); err == nil {
			name += "x" + fmt.Sprint(len(log))
		}
		paths = append(paths, name)
		if err := os.WriteFile(name, contain(t, r, piece), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if r.IntN(2) == 0 {
		return []string{folder}
	}
	r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	return paths
}

// contain writes records as one file: text, compressed, or an archive of several.
func contain(t *testing.T, r *rand.Rand, log []logRecord) []byte {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var buf bytes.Buffer
	switch r.IntN(6) {
	case 0:
		gz := gzip.NewWriter(&buf)
		_, err := gz.Write(recordsText(r, log))
		check(err)
		check(gz.Close())
	case 1: // members of gzip, one after the other
		cut := r.IntN(len(log) + 1)
		for _, part := range [][]logRecord{log[:cut], log[cut:]} {
			gz := gzip.NewWriter(&buf)
			_, err := io.WriteString(gz, strings.Join(append(texts(part), ""), "\n"))
			check(err)
			check(gz.Close())
		}
	case 2:
		zs, err := zstd.NewWriter(&buf)
		check(err)
		_, err = zs.Write(recordsText(r, log))
		check(err)
		check(zs.Close())
	case 3:
		tw := tar.NewWriter(&buf)
		for i, part := range pieces(r, log) {
			data := recordsText(r, part)
			check(tw.WriteHeader(&tar.Header{Name: fmt.Sprintf("m/%d.json", i), Mode: 0o644, Size: int64(len(data))}))
			_, err := tw.Write(data)
			check(err)
		}
		check(tw.Close())
	case 4:
		zw := zip.NewWriter(&buf)
		for i, part := range pieces(r, log) {
			w, err := zw.Create(fmt.Sprintf("m/%d.json", i))
			check(err)
			_, err = w.Write(recordsText(r, part))
			check(err)
		}
		check(zw.Close())
	default:
		return recordsText(r, log)
	}
	return buf.Bytes()
}

func pieces(r *rand.Rand, log []logRecord) (out [][]logRecord) {
	for len(log) > 0 {
		n := 1 + r.IntN(len(log))
		out = append(out, log[:n])
		log = log[n:]
	}
	return out
}

// recordsText writes records as lines, as a list, or as a list below a key. A list
// holds no broken record that does not end.
func recordsText(r *rand.Rand, log []logRecord) []byte {
	whole := true
	wrapped := make([]string, len(log))
	for i, rec := range log {
		whole = whole && (rec.kind != "broken" || rec.balance)
		wrapped[i] = wrap(r, rec)
	}
	how := r.IntN(6)
	if !whole {
		how = 0
	}
	switch how {
	case 1:
		return []byte("[" + strings.Join(wrapped, ",") + "]")
	case 2:
		return []byte(`{"Records":[` + strings.Join(wrapped, ",\n") + "]}")
	case 3:
		return []byte("{\n \"records\": [\n" + strings.Join(wrapped, " ,\n ") + "\n]\n}\n")
	case 4:
		return []byte(`{"value":[` + strings.Join(wrapped, ",") + "]}")
	}
	return []byte(strings.Join(wrapped, "\n") + "\n")
}

// wrap puts a record into an envelope in which it may arrive.
func wrap(r *rand.Rand, rec logRecord) string {
	if r.IntN(4) > 0 {
		return rec.text
	}
	switch rec.kind {
	case "ct":
		return `{"version":"0","id":"e-1","detail-type":"AWS API Call via CloudTrail","source":"aws.cloudtrail","account":"111122223333","time":"2026-03-02T00:00:00Z","region":"eu-west-1","resources":[],"detail":` + rec.text + `}`
	case "gcp":
		return fmt.Sprintf(`{"message":{"data":%q,"messageId":"1","publishTime":"2026-03-02T00:00:00Z"},"subscription":"projects/example/subscriptions/s"}`,
			base64.StdEncoding.EncodeToString([]byte(rec.text)))
	}
	return rec.text
}
