package usual

import "time"

// The types of arguments and results of functions.
const (
	Text  = "text"
	Whole = "whole"
	Real  = "real"
)

// Function is a function that the engine needs for the queries of this room. Values of its
// arguments are nil, string, int64 or float64; it never errs.
type Function struct {
	Name   string
	Args   []string
	Result string
	Call   func(args []any) any
	// Texts takes the place of Call where all arguments and the result are texts, and an
	// argument is no subquery that looks outside. It keeps nothing of its arguments.
	Texts func(args []string) string
}

// Functions are all of them. People may use them in hunts too, but for usual_of and usual_marks,
// which are for the queries here: they are quick, and take no subquery that looks outside.
//
//	usual_value(of, x)     what people compare: usual_value('network', src_ip), usual_value('agent', user_agent)
//	usual_place(address)   'latitude,longitude', '' where it is not known
//	usual_km(a, b)         the distance between two places, NULL where one is not known
//	usual_words(…)         an answer as a sentence
//	usual_of(of, x)        usual_value
//	usual_marks(of, x, l)  which of the values of a list x comes to, see marks
func Functions(v *Values) []Function {
	short := func(s string) string {
		if len(s) > 1<<20 {
			return ""
		}
		return s
	}
	text := func(a []any, i int) string {
		s, _ := a[i].(string)
		return short(s)
	}
	m := &marker{values: v}
	return []Function{
		{Name: "usual_value", Args: []string{Text, Text}, Result: Text, Call: func(a []any) any { return v.Of(Dimension(text(a, 0)), text(a, 1)) }},
		{Name: "usual_of", Args: []string{Text, Text}, Result: Text, Texts: func(a []string) string { return v.Of(Dimension(a[0]), short(a[1])) }},
		{Name: "usual_marks", Args: []string{Text, Text, Text}, Result: Text, Texts: func(a []string) string { return m.of(Dimension(a[0]), short(a[1]), a[2]) }},
		{Name: "usual_place", Args: []string{Text}, Result: Text, Call: func(a []any) any { return v.Place(text(a, 0)) }},
		{Name: "usual_km", Args: []string{Text, Text}, Result: Real, Call: func(a []any) any {
			km, ok := between(text(a, 0), text(a, 1))
			if !ok {
				return nil
			}
			return km
		}},
		{Name: "usual_words", Args: []string{Text, Text, Text, Whole, Whole, Whole, Whole, Whole, Whole, Whole, Whole, Whole, Whole}, Result: Text, Call: func(a []any) any {
			of := Dimension(text(a, 0))
			if _, ok := phrases[of]; !ok {
				return ""
			}
			x := Answer{Question: Question{Of: of, Value: text(a, 1)}, First: text(a, 2) == "first", Rare: text(a, 2) == "rare", Count: whole(a[3]), Total: whole(a[4]), Days: int(whole(a[5])),
				KnownDays: int(whole(a[6])), Values: int(whole(a[7])), Since: micros(a[8]), Last: micros(a[9]), Peers: int(whole(a[10])), PeersWith: int(whole(a[11])),
				Bounds: Bounds{Period: time.Duration(min(max(whole(a[12]), 1), 3660)) * 24 * time.Hour}}
			return x.Words("en")
		}},
	}
}

func micros(v any) time.Time {
	n, ok := v.(int64)
	if !ok {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
