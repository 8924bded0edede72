// Package decode turns bytes into events: it recognises by content which envelope
// and which log format a record has, reads its header and makes its key.
//
// One file is one format: its name, how it is recognised, where its header fields
// stand and its key recipe (see [Format]); its golden lies in testdata/<format>/.
// Adding a format is one file, one golden and one line in formats.go.
//
// It does no I/O of its own (it reads from the io.Reader that it is given), takes
// no clock, and knows nothing of rules: whoever wants more fields of a record than
// its header asks for them through [Options.Want], so that one pass serves both.
//
// A worked example:
//
//	dec, err := decode.New(decode.Options{})
//	r := dec.NewReader(file, "trail.json.gz")
//	for {
//		rec, err := r.Next()
//		if err == io.EOF { break }
//		if bad, ok := errors.AsType[*decode.RecordError](err); ok { …; continue } // the rest goes on
//		e := rec.Event() // yagura.Event{Format: "aws.cloudtrail", …}
//	}
package decode
