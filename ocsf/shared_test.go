package ocsf_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yagura-sec/yagura/decode"
	"github.com/yagura-sec/yagura/ocsf"
	"github.com/yagura-sec/yagura/ocsf/ocsftest"
)

// TestGivenLogs maps every record of the logs of other people that may lie beside the
// repository, and holds each to the schema. It skips where there are none.
func TestGivenLogs(t *testing.T) {
	data := filepath.Join("..", "..", "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("no shared data beside the repository")
	}
	dec, err := decode.New(decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	schema, m := ocsftest.Load(), ocsf.New(ocsf.Options{Version: "1.0.0"})
	valid, native, shown := 0, 0, 0
	formats := map[string]int{}
	const most = 1000 // records of one file
	err = filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && (d.Name() == "stix" || d.Name() == "ti" || d.Name() == "rules") {
				return filepath.SkipDir
			}
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		r := dec.NewReader(file, path)
		for range most {
			rec, err := r.Next()
			if _, bad := errors.AsType[*decode.RecordError](err); bad {
				continue
			}
			if err != nil {
				if err != io.EOF {
					t.Logf("%s: %v", path, err)
				}
				break
			}
			e := rec.Event()
			line, err := m.Append(nil, &e)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if strings.HasPrefix(e.Format, "ocsf.") {
				native++
				continue
			}
			formats[e.Format]++
			wrong := schema.Check(line)
			if wrong == nil {
				valid++
				continue
			}
			if shown++; shown < 30 {
				t.Errorf("%s: %s %s: %s\n%.2000s", path, e.Format, e.ID, strings.Join(wrong, "; "), line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events are valid, %d are not, %d were OCSF already; %v", valid, shown, native, formats)
	if valid < 1000 {
		t.Errorf("only %d events were held to the schema", valid)
	}
}
