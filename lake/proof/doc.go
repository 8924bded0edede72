// Package proof shows that what is kept is what was received. It has two parts.
//
// # CloudTrail's digests
//
// Where log file validation is on, CloudTrail writes one digest per hour, account and region
// beside the logs: the SHA-256 of every log file that it delivered, signed with RSA, with
// the signature of the digest before it. [CloudTrail.Verify] checks copies of both against
// the public keys that `aws cloudtrail list-public-keys` prints, offline and wherever the
// copies lie (the tool of AWS wants the originals in their bucket, and a connection). It
// names every digest and log file that is altered, missing, moved or not named by any
// digest, every time that no digest covers, and what was expected instead.
//
// What is hashed is the unpacked content, of digests and of log files alike; what is signed
// are four lines: the end of the digest, bucket/key, its SHA-256, and the signature of the
// digest before it (the word null in the first). The signature of a digest is in the
// metadata of its S3 object, which few tools copy; but the next digest repeats it, so that
// only the last digest of a chain needs its metadata.
//
// # The chain of hours
//
// What other sources deliver has no such thing. So for every UTC hour of arrival a
// [Manifest] is written: the objects received, the lake files of the hour with their
// SHA-256, and the hash of the manifest before it, sealed with a key if there is one.
// [Chain] appends to it, [VerifyChain] names the first break, a missing hour, and a lake
// file in which one bit is not what it was.
//
// # What it is not
//
// It is no proof against somebody who holds the key and rewrites everything, nor against
// the end of a chain being cut off; for both, keep the newest hash elsewhere ([Head]). It
// reads and compares, and repairs nothing.
//
// A worked example:
//
//	var keys proof.Keys
//	err := keys.ReadKeys(file)
//	sum, err := proof.CloudTrail{Keys: &keys}.Verify(ctx, proof.Folder("copies/"), func(r proof.Result) error {
//		fmt.Println(r) // log s3://b/AWSLogs/…T1455Z_x.json.gz: altered want 5f3a… got 9bc1… (named by s3://b/…)
//		return nil
//	})
//	// sum.OK() is true when everything is proven
package proof
