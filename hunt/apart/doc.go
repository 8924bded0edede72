// Package apart asks a hunting engine that lives in a process of its own.
//
// The engine is C++ and runs what people type. Within one call of its code nobody
// else decides how long that takes, how much memory it wants, or whether a fault
// ends the process. So that process is not the one that takes in records and files
// findings: it can be ended at any moment, and that is what makes a limit a limit.
//
// Engine is the asking side: a [hunt.Engine] that starts the process with its first
// question, ends it when nothing was asked for a while, and starts another when it
// has ended. Serve is the other side: it answers questions that come on one stream
// with an engine that it is given, on another.
//
// What it is not: it does not know which engine that is (app gives it lake/duck),
// which files there are, or what a question means; it keeps nothing, and no state
// outlives a question.
//
// # When a question is ended
//
// The engine has limits of its own and keeps them nearly always. Where it does not,
// its process is ended:
//
//   - a question is not answered a grace time after it should have been, or after its
//     asker gave up;
//   - the process holds more memory than it may.
//
// Other questions that were being answered are asked again, each alone, so that the
// one at fault is found: it gets the error, they get their rows. The same holds when
// the process ends by itself. Rows are complete before they are handed out, so a
// question that is asked again has handed out none.
//
// # A worked example
//
//	e := apart.New(apart.Options{
//		Command: func() *exec.Cmd { return exec.Command("yagura", "hunt-engine") },
//		Setup:   func() ([]byte, error) { return json.Marshal(limits) },
//		Timeout: time.Minute, Memory: 2 << 30,
//	})
//	h := &hunt.Hunter{Engine: e, …}
//
//	// in the other process
//	err := apart.Serve(os.Stdin, os.Stdout, func(setup []byte) (hunt.Engine, error) { … })
package apart
