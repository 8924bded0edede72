package s3

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
)

// TestPut: an object of any length appears whole, also over a store that fails for a moment,
// and not at all when it could not be written to its end.
func TestPut(t *testing.T) {
	s := serve(t)
	st, err := NewStore(t.Context(), StoreOptions{Options: s.options()})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 2*partSize+partSize/2)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(data); i++ {
		data[i] = byte(r.Uint32())
	}
	calls := 0
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		calls++
		if calls%3 == 2 { // every third is not taken at first
			refuse(w, http.StatusServiceUnavailable, "SlowDown")
			return true
		}
		return false
	}
	for _, n := range []int{0, 1, partSize, partSize + 1, len(data)} {
		err := st.Put(t.Context(), Ref{Bucket: "trail", Key: "b/x"}, func(w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(data[:n]))
			return err
		})
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		ref, err := st.Stat(t.Context(), Ref{Bucket: "trail", Key: "b/x"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readRef(t, st, ref); err != nil || got != string(data[:n]) {
			t.Fatalf("%d bytes: read %d, %v", n, len(got), err)
		}
	}

	broken := errors.New("the source broke off")
	for _, n := range []int{1, partSize + 1} {
		err := st.Put(t.Context(), Ref{Bucket: "trail", Key: "b/half"}, func(w io.Writer) error {
			_, err := w.Write(data[:n])
			return errors.Join(err, broken)
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	if _, err := s.backend.HeadObject("trail", "b/half"); !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) {
		t.Errorf("half an object is there: %v", err)
	}
	resp, err := http.Get(s.URL + "/trail?uploads")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if left, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || strings.Contains(string(left), "<Upload>") {
		t.Errorf("parts are left: %d %s %v", resp.StatusCode, left, err)
	}
}

// TestPutRefused: without the permission the error says which one is missing.
func TestPutRefused(t *testing.T) {
	s := serve(t)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		refuse(w, http.StatusForbidden, "AccessDenied")
		return true
	}
	st, err := NewStore(t.Context(), StoreOptions{Options: s.options()})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Put(t.Context(), Ref{Bucket: "trail", Key: "x"}, func(io.Writer) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "s3:PutObject") {
		t.Error(err)
	}
}
