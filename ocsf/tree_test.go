package ocsf

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestTree reads records of the goldens and writes them again: nothing is lost.
func TestTree(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "decode", "testdata", "*", "*.golden.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	var tr tree
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(raw))
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			again(t, &tr, lines.Bytes())
		}
	}
}

// again holds that a record and what the tree writes of it are the same JSON.
func again(t *testing.T, tr *tree, record []byte) {
	t.Helper()
	out := tr.read(string(record)).append(nil)
	var a, b any
	if err := json.Unmarshal(record, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &b); err != nil {
		t.Fatalf("%v: %.200s", err, out)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%.300s\nbecame %.300s", record, out)
	}
}

// TestTreeValues: what is asked for is found, and what is not there is nothing.
func TestTreeValues(t *testing.T) {
	var tr tree
	v := tr.read(`{"A":{"b":[{"c":"x"},{"c":"y"}]},"n":12,"f":1.5,"big":1e20,"t":"true","no":null,"e":"","text":"{\"in\":{\"side\":7}}","half":"{\"in\":",
		"esc":"a\"\\\/\b\n\u00e9\ud83d\ude00\ud800","list":["p","",3,{"q":1}],"account-id":"1","time":"2024-03-14T09:26:53.5Z","secs":1710408413,"port":70000}`)
	for path, want := range map[string]string{"A.b.c": "x", "a.B.c": "x", "n": "12", "f": "1.5", "t": "true", "no": "", "e": "", "x.y": "", "A": "", "text.in.side": "7",
		"half.in": "", "half": `{"in":`, "esc": "a\"\\/\b\né😀\ufffd", "list": "p", "A.b.c.d": ""} {
		if got := v.str(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for _, c := range []struct{ got, want any }{
		{v.num("x", "n"), int64(12)}, {v.num("f"), nil}, {v.num("big"), nil}, {v.flag("t"), true}, {v.flag("n"), nil},
		{v.time("time"), int64(1710408413500)}, {v.time("secs"), int64(1710408413000)}, {v.time("t"), nil}, {port(v.num("port")), nil}, {port(v.num("n")), int64(12)},
		{v.looseStr("accountid"), "1"}, {v.looseStr("account"), ""}, {strings.Join(v.get("list").strings(9), " "), "p 3"}, {v.get("no").empty(), true}, {v.get("n").empty(), false},
		{string(data(v.get("text"))), `{"in":{"side":7}}`}, {string(data(v.get("list"))), ""}, {value{}.str("a"), ""}, {string(value{}.append(nil)), "null"},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

// TestTreeHostile: what is no JSON, too deep or too large ends early and harms nothing.
func TestTreeHostile(t *testing.T) {
	var tr tree
	for _, s := range []string{"", "{", "[", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `"\`, `"\u12`, `{"a":"\ud83d`, "nul", "{a:1}", "]", "\x00", `{"a":+1,"b":0x1,"c":01,"d":.5,"e":1.,"f":NaN,"g":1e999}`,
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), strings.Repeat(`{"a":"{\"a\":`, 1000), "[" + strings.Repeat("1,", 300_000) + "1]"} {
		v := tr.read(s)
		if out := v.append(nil); !json.Valid(out) {
			t.Errorf("%.30q makes %.60q", s, out)
		}
		v.str("a.a.a", "b")
		v.any("a.a", "c")
		if len(tr.nodes) > maxNodes {
			t.Errorf("%.30q: %d nodes", s, len(tr.nodes))
		}
	}
}

// TestVerbs: what a call does, by its name.
func TestVerbs(t *testing.T) {
	for action, want := range map[string]int{"CreateUser": 1, "DescribeInstances": 2, "PutObject": 1, "AttachUserPolicy": 3, "StopLogging": 4,
		"google.iam.admin.v1.CreateServiceAccount": 1, "v1.compute.firewalls.delete": 4, "Add member to role": 1, "Update user.": 3, "user_update": 3,
		"Microsoft.Compute/virtualMachines/delete": 4, "create pods/exec": 1, "workflows.completed_workflow_run": other, "xyz": other, "": other} {
		if got := crud(action); got != want {
			t.Errorf("%q: %d, want %d", action, got, want)
		}
	}
}

// TestEmail: the schema's form of an e-mail address, and no other.
func TestEmail(t *testing.T) {
	for s, want := range map[string]bool{"alice@example.com": true, "a+b.c@mail.example.com": true, "alice": false, "@example.com": false, "alice@": false, "alice@localhost": false,
		"a b@example.com": false, "alice@exam_ple.com": false, "ä@example.com": false, "alice@.com": false, "alice@example.com.": true, "a@b@example.com": false} {
		if got := isEmail(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
