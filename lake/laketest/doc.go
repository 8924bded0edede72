// Package laketest makes logs to fill a lake with, for tests and measurements.
//
// A [Corpus] is a number of made-up CloudTrail records over some days: record n of a corpus is
// always the same bytes, whoever makes it and in whatever order. Names, keys and addresses are
// of documentation ranges. The distributions are those of an ordinary account, as we guess them:
// a few accounts and regions, some hundred principals and some thousand addresses of which the
// first are by far the busiest, one record in a hundred denied. In it stand [Needles] records
// that hold [Needle] in a request parameter and come from [NeedleIP].
//
//	c := laketest.Corpus{Events: 1_000_000, Days: 30}
//	err := c.Write("/tmp/trail", 400) // 2,500 .json.gz files
//
// It is not a sample of real logs and proves nothing about detection.
package laketest
