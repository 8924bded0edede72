// Package blob is where the files of the lake lie: a folder, an S3 bucket, a Google Cloud
// Storage bucket or a container of Azure Blob Storage, behind the one interface [Store];
// and [Cache], a bounded local directory of what was fetched of them.
//
// # What a store promises
//
// An object appears whole or not at all, and is never changed afterwards: who writes
// another one takes another name. With [PutOptions].IfAbsent exactly one of several
// writers of a name succeeds, the others get [ErrExists]. The SHA-256 of the content
// travels with the object and is verified when the whole of it is read; a read that
// came short, or from elsewhere than asked, is an error and not data.
//
// A request that was throttled, timed out or failed on the server's side is made again
// with growing, random pauses. A conditional write whose answer was lost may have been
// done: the object is then looked at, and counts as written when it carries the mark of
// this very write ([Store].Put returns nil), as somebody else's otherwise. Where even that
// cannot be found out, the error is [ErrUnknown], and to write the same again is right.
//
// # What it is not
//
// It does not know what a lake file is, which files belong to the lake, or which are
// old: that is the catalogue's matter. It has no directories, no rename and no append.
//
// # The cache
//
// [Cache.Whole] returns the path of a local copy of a whole object, verified by its
// checksum. [Cache.Part] returns the path of a sparse copy: a file of the right size in
// which only the ranges that were asked for are filled, such as the footer and some row
// groups of a Parquet file ([RowGroups]); what was not asked for reads as zeros. Several
// processes may share the directory. Counters tell what was fetched, by [Kind], so that it
// can be proven that a hunt over columns reads no raw byte.
//
// A worked example:
//
//	store, err := blob.Open(ctx, "s3://lake-111122223333/yagura", blob.Options{Region: "ap-northeast-1"})
//	_, err = blob.PutBytes(ctx, store, "aws.cloudtrail/2026/05/01/f1.head.parquet", data, blob.PutOptions{IfAbsent: true})
//	cache, err := blob.OpenCache("/var/cache/yagura", store, blob.CacheOptions{Bytes: 20 << 30})
//	copy, err := cache.Whole(ctx, blob.File{Key: "aws.cloudtrail/2026/05/01/f1.head.parquet", Size: size, Sum: sum, Kind: blob.Head})
//	defer copy.Release()
//	// read_parquet(copy.Path)
package blob
