package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/yagura-sec/yagura/lake/proof"
)

// DigestOptions say which copies of CloudTrail's logs are verified, and how.
type DigestOptions struct {
	Dir               string   // the copies of digests and logs
	Keys              []string // files as `aws cloudtrail list-public-keys` prints them
	From, To          time.Time
	AcceptUnsignedEnd bool
	Progress          func(proof.Summary)
}

// VerifyDigests verifies copies of CloudTrail's digests and log files, offline, and calls
// each with one result after the other.
func VerifyDigests(ctx context.Context, o DigestOptions, each func(proof.Result) error) (proof.Summary, error) {
	var keys proof.Keys
	for _, file := range o.Keys {
		if err := readKeys(&keys, file); err != nil {
			return proof.Summary{}, fmt.Errorf("%s: %w", file, err)
		}
	}
	if keys.Len() == 0 {
		return proof.Summary{}, errors.New("no public keys are given (hint: --keys FILE, with what `aws cloudtrail list-public-keys --start-time … --end-time …` prints)")
	}
	info, err := os.Stat(o.Dir)
	if err != nil {
		return proof.Summary{}, err
	}
	if !info.IsDir() {
		return proof.Summary{}, fmt.Errorf("%s: it is not a folder", o.Dir)
	}
	v := proof.CloudTrail{Keys: &keys, From: o.From, To: o.To, AcceptUnsignedEnd: o.AcceptUnsignedEnd, Progress: o.Progress}
	sum, err := v.Verify(ctx, proof.Folder(o.Dir), each)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%s: %w", o.Dir, err)
	}
	return sum, err
}

func readKeys(keys *proof.Keys, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	return keys.ReadKeys(f)
}
