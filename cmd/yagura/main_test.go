package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/lake/duck"
)

func TestMain(m *testing.M) {
	app.BeEngine() // of a test that asks the lake in its own process
	testscript.Main(m, map[string]func(){"yagura": func() { os.Exit(mainCode()) }})
}

// TestScript drives the real binary by the scripts in testdata/script.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("LANG", "C")
			e.Setenv("NO_COLOR", "1")
			e.Setenv("TOMORROW", time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
			return nil
		},
		// [hunts]: the program has a hunting engine.
		Condition: func(cond string) (bool, error) {
			if cond != "hunts" {
				return false, fmt.Errorf("condition %q is not known", cond)
			}
			return duck.Available, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "pack": packed, "s3": serveS3, "await": await, "repeat": repeatFile, "until": until, "id": id, "truncate": truncate, "flipbit": flipBit, "match": match,
		},
	})
}

// exits CODE program args…: the program ends with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program args…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// flipbit dir suffix: flips one bit in the middle of each file below dir with this suffix.
func flipBit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flipbit dir suffix")
	}
	n := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, args[1]) {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		data[len(data)/2] ^= 8
		n++
		return os.WriteFile(p, data, 0o600)
	}))
	if n == 0 {
		ts.Fatalf("there is no such file")
	}
}

// pack FORMAT from to: writes a file compressed or archived (gz, zst, tar, tgz, zip).
func packed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: pack format from to")
	}
	data := []byte(ts.ReadFile(args[1]))
	var out bytes.Buffer
	var err error
	write := func(w io.WriteCloser) {
		if _, err = w.Write(data); err == nil {
			err = w.Close()
		}
	}
	archive := func(w io.Writer) {
		tw := tar.NewWriter(w)
		if err = tw.WriteHeader(&tar.Header{Name: args[1], Mode: 0o644, Size: int64(len(data))}); err == nil {
			write(tw)
		}
	}
	switch args[0] {
	case "gz":
		write(gzip.NewWriter(&out))
	case "zst":
		var w *zstd.Encoder
		if w, err = zstd.NewWriter(&out); err == nil {
			write(w)
		}
	case "tar":
		archive(&out)
	case "tgz":
		gz := gzip.NewWriter(&out)
		archive(gz)
		ts.Check(gz.Close())
	case "zip":
		zw := zip.NewWriter(&out)
		var w io.Writer
		if w, err = zw.Create(args[1]); err == nil {
			_, err = w.Write(data)
		}
		ts.Check(zw.Close())
	default:
		ts.Fatalf("unknown format %s", args[0])
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o644))
}

// s3 BUCKET key=file…: serves the files as an S3 store and points the environment at it.
func serveS3(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: s3 bucket key=file…")
	}
	backend := s3mem.New()
	ts.Check(backend.CreateBucket(args[0]))
	for _, a := range args[1:] {
		key, file, _ := strings.Cut(a, "=")
		data := ts.ReadFile(file)
		_, err := backend.PutObject(args[0], key, nil, strings.NewReader(data), int64(len(data)), nil)
		ts.Check(err)
	}
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	ts.Defer(server.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"} {
		ts.Setenv(name, value)
	}
}

// await FILE text: waits until a file that another program writes has the text.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await file text")
	}
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(10 * time.Millisecond) {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && strings.Contains(string(data), args[1]) {
			return
		}
	}
	ts.Fatalf("%s never had %q", args[0], args[1])
}

// until TEXT program args…: runs the program again and again until it prints the text.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until text program args…")
	}
	said := ""
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(200 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err != nil {
			continue
		}
		if said = ts.ReadFile("stdout"); strings.Contains(said, args[0]) {
			return
		}
	}
	ts.Fatalf("it never said %q: %s", args[0], said)
}

// id FILE NAME: sets a variable to the id of the object in the first line of a file.
func id(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: id file name")
	}
	var v struct{ ID string }
	line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	ts.Check(json.Unmarshal([]byte(line), &v))
	ts.Setenv(args[1], v.ID)
}

// match FILE REGEXP NAME: sets a variable to the first group of an expression that a file has.
func match(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: match file regexp name")
	}
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	m := re.FindStringSubmatch(ts.ReadFile(args[0]))
	if len(m) < 2 {
		ts.Fatalf("%s does not have %s", args[0], args[1])
	}
	ts.Setenv(args[2], m[1])
}

// repeat N from to: writes the lines of a file N times, @N@ replaced by the number.
func repeatFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: repeat n from to")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := ts.ReadFile(args[1])
	var out strings.Builder
	for i := range n {
		out.WriteString(strings.ReplaceAll(text, "@N@", fmt.Sprintf("%06d", i)))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(out.String()), 0o644))
}

// truncate N file: cuts a file to its first N bytes.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate n file")
	}
	n, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[1]), n))
}
