package fn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yagura-sec/yagura/query/kql/fn"
)

// hostile are values of each type that a record or a careless query may hold.
func hostile() map[fn.Type][]any {
	deep := strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000)
	many := "[" + strings.Repeat("1,", 50_000) + "1]"
	texts := []any{nil, "", "a", "-", "\x00", "\xff\xfe", "%", "%zz", "((((", "(a*)*b", "[[:", `\`, `"`, "::1", "1.2.3.4/33", "999.1.1.1", "xn--", "-99999999.23:59:59", "9999-12-31T23:59:59.9999999+14:00",
		strings.Repeat("a", 100_000), strings.Repeat("<a>", 20_000), strings.Repeat("&a=", 20_000), strings.Repeat(`"`, 20_001), strings.Repeat("é", 50_000), deep, "gz", "windows", "linefit", "add"}
	dyn := []any{nil, "null", "{}", "[]", "1e999", "-0", `"x"`, `{"a":{"a":1,"a":2}}`, `["$.a","$[","$['a"]`, `[[1],[2,3],null,"x",{"k":[]}]`, "[1,2.5,null,-3,1e308,-1e308]", "[0,0,0,0,0,0]", deep, many, "{", "\x00",
		`[[1,9223372036854775807],[2,-1]]`, `[99999999999999999999]`, `["\ud800"]`}
	return map[fn.Type][]any{
		fn.String: texts, fn.GUID: texts, fn.Dynamic: dyn,
		fn.Bool:     {nil, true, false},
		fn.Int:      {nil, int32(0), int32(math.MinInt32), int32(math.MaxInt32)},
		fn.Long:     {nil, int64(0), int64(1), int64(-1), int64(2), int64(33), int64(math.MinInt64), int64(math.MaxInt64), int64(1 << 40)},
		fn.Timespan: {nil, int64(0), int64(1), int64(-1), int64(864_000_000_000), int64(math.MinInt64), int64(math.MaxInt64)},
		fn.Real:     {nil, 0.0, 1.0, -1.0, 0.5, 100.0, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324},
		fn.Datetime: {nil, time.Unix(0, 0), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)},
	}
}

// No value makes a function panic, fail, answer in another type than it says, or
// take long.
func TestHostile(t *testing.T) {
	values := hostile()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, f := range fn.Funcs() {
		t.Run(f.Name, func(t *testing.T) {
			for range 20 {
				args := make([]any, len(f.Args))
				for i, a := range f.Args {
					args[i] = values[a][rng.IntN(len(values[a]))]
				}
				start := time.Now()
				got, err := f.Call(args)
				if err != nil {
					t.Fatalf("%s: %v", brief(args), err)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("%s took %v", brief(args), took)
				}
				if s, ok := got.(string); ok && len(s) > 16<<20 {
					t.Errorf("%s made %d bytes", brief(args), len(s))
				}
				if got != nil && !fits(got, f.Result) {
					t.Errorf("%s gave a %T, not a %s", brief(args), got, f.Result)
				}
			}
		})
	}
}

func fits(v any, t fn.Type) bool {
	switch v.(type) {
	case bool:
		return t == fn.Bool
	case int64:
		return t == fn.Long || t == fn.Timespan
	case float64:
		return t == fn.Real
	case string:
		return t == fn.String || t == fn.GUID || t == fn.Dynamic
	case time.Time:
		return t == fn.Datetime
	}
	return false
}

// A compressed text that would open to more than a function may make opens to
// nothing.
func TestBomb(t *testing.T) {
	call := map[string]func([]any) (any, error){}
	for _, f := range fn.Funcs() {
		call[f.Name] = f.Call
	}
	small, err := call["kqlg_gzip_compress"]([]any{strings.Repeat("0", 16<<20)})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := call["kqlg_gzip_decompress"]([]any{small}); len(got.(string)) != 16<<20 {
		t.Errorf("what just fits opened to %d bytes", len(got.(string)))
	}
	// The largest text, twice over: two members of gzip one behind the other.
	twice := strings.TrimRight(small.(string), "=")
	for len(twice)%4 != 0 {
		twice = twice[:len(twice)-1]
	}
	if got, _ := call["kqlg_gzip_decompress"]([]any{twice + small.(string)}); got != "" {
		t.Errorf("a bomb opened to %d bytes", len(got.(string)))
	}
	if got, _ := call["kqlg_repeat"]([]any{`"` + strings.Repeat("x", 1000) + `"`, int64(1 << 20)}); got != nil {
		t.Error("repeat made a gigabyte")
	}
}

// FuzzJSON: what parses as JSON prints as JSON that means the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,null,true,"x\u00e9\n"]}`, `[]`, `"\ud83d\ude00"`, `-0.1e+5`, `{"a":1,"a":2}`} {
		f.Add(s)
	}
	var reverse func([]any) (any, error)
	for _, x := range fn.Funcs() {
		if x.Name == "kqlg_array_reverse" {
			reverse = x.Call
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, _ := reverse([]any{s})
		if once == nil {
			return
		}
		twice, _ := reverse([]any{once})
		again, _ := reverse([]any{twice})
		if again != once {
			t.Errorf("%q: %q is not %q", s, again, once)
		}
	})
}

func brief(args []any) string {
	s := fmt.Sprintf("%q", args)
	return s[:min(len(s), 300)]
}

// Two queries at a time share a function and what it keeps of the last list.
func TestParallel(t *testing.T) {
	for _, f := range fn.Funcs() {
		if f.Name != "kqlg_has_any" {
			continue
		}
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				word := string(rune('a' + g))
				for range 2000 {
					got, err := f.Call([]any{"x " + word, `["` + strings.ToUpper(word) + `"]`, false})
					if err != nil || got != true {
						t.Errorf("%s is not found in a list of its own: %v, %v", word, got, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}
