package fn

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/adler32"
	"hash/crc32"
	"io"
	"math/bits"
	"strings"
	"time"
	"unicode/utf8"
)

func funcsCodec() []Func {
	fs := []Func{
		total("url_encode", []Type{String}, String, func(r row) any { return urlEncode(r.text(0), "-_.!*()", "+") }),
		total("url_encode_component", []Type{String}, String, func(r row) any { return urlEncode(r.text(0), "-_.~", "%20") }),
		total("url_decode", []Type{String}, String, func(r row) any { return urlDecode(r.text(0), true) }),
		total("base64_decode_tostring", []Type{String}, String, func(r row) any {
			b, ok := unbase64(r.text(0))
			if !ok || !utf8.Valid(b) {
				return ""
			}
			return string(b)
		}),
		total("base64_decode_toarray", []Type{String}, Dynamic, func(r row) any {
			b, ok := unbase64(r.text(0))
			if !ok || len(b) > maxItems {
				return nil
			}
			l := make([]value, len(b))
			for i, c := range b {
				l[i] = longValue(int64(c))
			}
			return arrayValue(l).result()
		}),
		total("base64_decode_toguid", []Type{String}, GUID, func(r row) any {
			b, ok := unbase64(r.text(0))
			if !ok || len(b) != 16 {
				return nil
			}
			return guidText(b)
		}),
		total("base64_encode_fromarray", []Type{Dynamic}, String, func(r row) any {
			v := r.dyn(0)
			b := make([]byte, 0, len(v.list))
			for _, e := range v.list {
				n, ok := e.long()
				if !ok || n < 0 || n > 255 {
					return ""
				}
				b = append(b, byte(n))
			}
			return base64.StdEncoding.EncodeToString(b)
		}),
		total("base64_encode_fromguid", []Type{GUID}, String, func(r row) any {
			b, ok := guidBytes(r.text(0))
			if !ok {
				return ""
			}
			return base64.StdEncoding.EncodeToString(b)
		}),
		total("gzip_compress", []Type{String}, String, func(r row) any {
			s := r.text(0)
			b := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}, deflated(s)...)
			b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(s)))
			b = binary.LittleEndian.AppendUint32(b, uint32(len(s))) //nolint:gosec // modulo 2^32 by the format
			return base64.StdEncoding.EncodeToString(b)
		}),
		total("zlib_compress", []Type{String}, String, func(r row) any {
			s := r.text(0)
			b := append([]byte{0x78, 1}, deflated(s)...)
			b = binary.BigEndian.AppendUint32(b, adler32.Checksum([]byte(s)))
			return base64.StdEncoding.EncodeToString(b)
		}),
		total("gzip_decompress", []Type{String}, String, func(r row) any {
			return unpacked(r.text(0), func(b io.Reader) (io.Reader, error) { return gzip.NewReader(b) })
		}),
		total("zlib_decompress", []Type{String}, String, func(r row) any {
			return unpacked(r.text(0), func(b io.Reader) (io.Reader, error) { return zlib.NewReader(b) })
		}),
		total("punycode_from_string", []Type{String}, String, func(r row) any { return punyEncode(r.text(0)) }),
		total("punycode_to_string", []Type{String}, String, func(r row) any { return punyDecode(r.text(0)) }),
		total("punycode_domain_from_string", []Type{String}, String, func(r row) any {
			return eachLabel(r.text(0), func(l string) (string, bool) {
				const mark = "xn--"
				if len(l) <= len(mark) || !strings.EqualFold(l[:len(mark)], mark) {
					return l, true
				}
				l = punyDecode(l[len(mark):])
				return l, l != ""
			})
		}),
		total("punycode_domain_to_string", []Type{String}, String, func(r row) any {
			return eachLabel(r.text(0), func(l string) (string, bool) {
				if isASCII(l) {
					return l, true
				}
				l = punyEncode(l)
				return "xn--" + l, l != ""
			})
		}),
	}
	// This hash is taken over the bytes of a value: text as it is, a number, a
	// time and a span as the bytes Kusto holds them in. The others, md5 and its
	// kin, are taken over what tostring() gives.
	for _, t := range []Type{String, Bool, Int, Long, Real, Datetime} {
		fs = append(fs, total("hash_xxhash64_"+string(t), []Type{t}, Long, func(r row) any {
			if r.null(0) {
				return nil
			}
			return int64(xxhash(hashed(r[0]))) //nolint:gosec // Kusto shows the 64 bits as a long
		}))
	}
	return fs
}

// hashed are the bytes of a value that hash functions see.
func hashed(v any) []byte {
	switch v := v.(type) {
	case string:
		return []byte(v)
	case bool:
		if v {
			return []byte{1}
		}
		return []byte{0}
	case int32:
		return binary.LittleEndian.AppendUint32(nil, uint32(v)) //nolint:gosec // bits, not a number
	case int64:
		return binary.LittleEndian.AppendUint64(nil, uint64(v)) //nolint:gosec // bits, not a number
	case float64:
		return binary.LittleEndian.AppendUint64(nil, floatBits(v))
	case time.Time:
		return binary.LittleEndian.AppendUint64(nil, uint64(ticksOf(v))) //nolint:gosec // after year 1
	}
	return nil
}

// xxhash is XXH64 with seed 0.
func xxhash(b []byte) uint64 {
	const (
		p1 uint64 = 11400714785074694791
		p2 uint64 = 14029467366897019727
		p3 uint64 = 1609587929392839161
		p4 uint64 = 9650029242287828579
		p5 uint64 = 2870177450012600261
	)
	n := uint64(len(b))
	round := func(acc, in uint64) uint64 { return bits.RotateLeft64(acc+in*p2, 31) * p1 }
	var h uint64
	if len(b) >= 32 {
		one, two := p1, p2
		v := [4]uint64{one + two, two, 0, -one}
		for ; len(b) >= 32; b = b[32:] {
			for i := range v {
				v[i] = round(v[i], binary.LittleEndian.Uint64(b[8*i:]))
			}
		}
		h = bits.RotateLeft64(v[0], 1) + bits.RotateLeft64(v[1], 7) + bits.RotateLeft64(v[2], 12) + bits.RotateLeft64(v[3], 18)
		for _, x := range v {
			h = (h^round(0, x))*p1 + p4
		}
	} else {
		h = p5
	}
	h += n
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^round(0, binary.LittleEndian.Uint64(b)), 27)*p1 + p4
	}
	if len(b) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(b))*p1, 23)*p2 + p3
		b = b[4:]
	}
	for _, c := range b {
		h = bits.RotateLeft64(h^uint64(c)*p5, 11) * p1
	}
	h = (h ^ h>>33) * p2
	h = (h ^ h>>29) * p3
	return h ^ h>>32
}

func urlEncode(s, safe, space string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case alnum(c) || strings.IndexByte(safe, c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteString(space)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// urlDecode opens percent signs; a broken one stays as it is.
func urlDecode(s string, plus bool) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+' && plus:
			b = append(b, ' ')
		case c == '%' && i+2 < len(s):
			var o [1]byte
			if _, err := hex.Decode(o[:], []byte(s[i+1:i+3])); err == nil {
				b = append(b, o[0])
				i += 2
				continue
			}
			b = append(b, c)
		default:
			b = append(b, c)
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

func unbase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil
}

// deflated compresses a text. One that would not become shorter is stored as it is, as
// Kusto does.
func deflated(s string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err == nil {
		_, err = io.WriteString(w, s)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil && b.Len() < len(s) {
		return b.Bytes()
	}
	const most = 1<<16 - 1 // bytes in one stored block
	out := make([]byte, 0, len(s)+5*(len(s)/most+1))
	for {
		n := min(len(s), most)
		last := byte(0)
		if n == len(s) {
			last = 1
		}
		out = append(out, last)
		out = binary.LittleEndian.AppendUint16(out, uint16(n))  //nolint:gosec // at most most
		out = binary.LittleEndian.AppendUint16(out, ^uint16(n)) //nolint:gosec // at most most
		out = append(out, s[:n]...)
		if s = s[n:]; last == 1 {
			return out
		}
	}
}

// unpacked opens base64 and then the compression; what is no such text or opens
// to more than a function may make is the empty string.
func unpacked(s string, open func(io.Reader) (io.Reader, error)) any {
	b, ok := unbase64(s)
	if !ok {
		return ""
	}
	r, err := open(bytes.NewReader(b))
	if err != nil {
		return ""
	}
	out, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil || len(out) > maxText || !utf8.Valid(out) {
		return ""
	}
	return string(out)
}

// The first three groups of a guid stand in bytes with the lowest first.
var guidOrder = [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

func guidBytes(s string) ([]byte, bool) {
	h, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(h) != 16 {
		return nil, false
	}
	b := make([]byte, 16)
	for i, j := range guidOrder {
		b[i] = h[j]
	}
	return b, true
}

func guidText(b []byte) string {
	o := make([]byte, 16)
	for i, j := range guidOrder {
		o[j] = b[i]
	}
	h := hex.EncodeToString(o)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// eachLabel changes the labels of a domain, which stand between dots of any script. It
// gives no text where one cannot be changed.
func eachLabel(s string, f func(string) (string, bool)) string {
	l := strings.Split(ideographDots.Replace(s), ".")
	for i := range l {
		var ok bool
		if l[i], ok = f(l[i]); !ok {
			return ""
		}
	}
	return strings.Join(l, ".")
}

var ideographDots = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// Punycode as RFC 3492 defines it.
const (
	punyBase, punyMin, punyMax   = 36, 1, 26
	punySkew, punyDamp, punyBias = 38, 700, 72
	punyLongest                  = 1024 // labels are 63 bytes; this bounds the work
)

func punyAdapt(delta, n int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / n
	k := 0
	for ; delta > (punyBase-punyMin)*punyMax/2; k += punyBase {
		delta /= punyBase - punyMin
	}
	return k + (punyBase-punyMin+1)*delta/(delta+punySkew)
}

func punyEncode(s string) string {
	if len(s) > punyLongest {
		return ""
	}
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	in := []rune(s)
	var out []byte
	for _, c := range in {
		if c < utf8.RuneSelf {
			out = append(out, byte(c))
		}
	}
	basic := len(out)
	done := basic
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(utf8.RuneSelf), 0, punyBias
	for done < len(in) {
		next := rune(utf8.MaxRune + 1)
		for _, c := range in {
			if c >= n && c < next {
				next = c
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, c := range in {
			if c < n {
				delta++
			}
			if c != n {
				continue
			}
			q := delta
			for k := punyBase; ; k += punyBase {
				t := min(max(k-bias, punyMin), punyMax)
				if q < t {
					break
				}
				out = append(out, digits[t+(q-t)%(punyBase-t)])
				q = (q - t) / (punyBase - t)
			}
			out = append(out, digits[q])
			bias = punyAdapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return string(out)
}

func punyDecode(s string) string {
	if len(s) > punyLongest {
		return ""
	}
	var out []rune
	if i := strings.LastIndexByte(s, '-'); i > 0 {
		out = []rune(s[:i])
		s = s[i+1:]
	}
	n, at, bias := utf8.RuneSelf, 0, punyBias
	for i := 0; i < len(s); {
		old, w := at, 1
		for k := punyBase; ; k += punyBase {
			if i >= len(s) {
				return ""
			}
			var d int
			switch c := s[i]; {
			case c >= 'a' && c <= 'z':
				d = int(c - 'a')
			case c >= 'A' && c <= 'Z':
				d = int(c - 'A')
			case c >= '0' && c <= '9':
				d = int(c-'0') + 26
			default:
				return ""
			}
			i++
			if d > (1<<31-at)/w {
				return ""
			}
			at += d * w
			t := min(max(k-bias, punyMin), punyMax)
			if d < t {
				break
			}
			if w > (1<<31)/(punyBase-t) {
				return ""
			}
			w *= punyBase - t
		}
		bias = punyAdapt(at-old, len(out)+1, old == 0)
		n += at / (len(out) + 1)
		at %= len(out) + 1
		if n > utf8.MaxRune {
			return ""
		}
		out = append(out, 0)
		copy(out[at+1:], out[at:])
		out[at] = rune(n)
		at++
	}
	return string(out)
}
