// Package notifytest holds every sink to the contract of [notify.Sink]. A sink's own test
// starts an honest fake of its service, wraps it in a [Bench] and calls [Run]; what only
// that sink can do is tested beside it.
//
// It knows no service: it sees what the fake holds ([Thing]), has it fail in the ways that
// services fail ([Fault]), and moves the clock. It delivers as the delivery loop does, with
// the same book-keeping of attempts, so that "nothing twice" is asked of the sink under the
// conditions that it will meet.
//
// A worked example:
//
//	func TestSink(t *testing.T) {
//		notifytest.Run(t, notifytest.Harness{
//			Guarantee: notifytest.ReadBack, Tickets: true, Secrets: []string{"the-token"},
//			New: func(t *testing.T) notifytest.Bench { return newBench(t) },
//		})
//	}
package notifytest
