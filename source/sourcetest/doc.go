// Package sourcetest holds every [source.Receiver] to the contract: one conformance suite
// that all of them pass, a clock that tests move, and honest fakes of the AWS services that
// sources speak to, on loopback.
//
// It is for tests only and no part of the binary. A fake refuses what the real service
// refuses (batches over ten, receipt handles that are old, times over twelve hours), so that
// a source which passes here does not fail there.
//
// A worked example:
//
//	func TestReceiver(t *testing.T) {
//		sourcetest.Run(t, func(t *testing.T) sourcetest.Harness {
//			clock := sourcetest.NewClock()
//			world := serve(t, clock) // what survives a restart
//			return sourcetest.Harness{
//				Clock: clock,
//				Open:  func(t *testing.T) source.Receiver { return open(t, world) },
//				Put:   func(t *testing.T, name, body string) { world.put(t, name, body) },
//			}
//		})
//	}
package sourcetest
