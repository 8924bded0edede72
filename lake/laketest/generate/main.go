// Command generate writes a corpus of made-up CloudTrail logs into a folder.
//
//	go run ./lake/laketest/generate -events 1000000 -days 30 /tmp/trail
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/yagura-sec/yagura/lake/laketest"
)

func main() {
	events := flag.Int("events", 1_000_000, "number of records")
	days := flag.Int("days", 30, "days that they are spread over")
	per := flag.Int("per-file", 400, "records of a file")
	seed := flag.Uint64("seed", 0, "another seed is another corpus")
	flag.Parse()
	if flag.NArg() != 1 || *events < 0 || *days < 1 || *per < 1 {
		fmt.Fprintln(os.Stderr, "usage: generate [-events N] [-days N] [-per-file N] [-seed N] DIR")
		os.Exit(2)
	}
	if err := (laketest.Corpus{Events: *events, Days: *days, Seed: *seed}).Write(flag.Arg(0), *per); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
