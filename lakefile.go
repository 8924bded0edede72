package yagura

import (
	"errors"
	"time"
)

// ErrLakeChanged is returned where files of the lake that were to be replaced are not what
// they were: another process replaced, dropped or held them.
var ErrLakeChanged = errors.New("the files have changed meanwhile")

// LakeFile is one file of the lake: two Parquet files with the same rows in the same order,
// the headers and the records as they were received.
type LakeFile struct {
	Number int64 // of the file; the rows' numbers begin with it
	// Seq is the place of its commit among all commits of the lake: whoever remembers the
	// greatest that was seen finds what is newer. 0 while it is being written.
	Seq     int64
	Format  string
	Day     string // "2026-05-01", by event time; "unknown" for records without one
	Head    string // names below the lake
	Raw     string
	Rows    int64
	Repeats int64 // records that were left out because they are in the lake already
	// RawBytes is the size of the records, HeadSize and RawSize that of the files.
	RawBytes, HeadSize, RawSize int64
	Min, Max                    time.Time // event times
	SeenMin, SeenMax            time.Time // arrival times
	HeadSum, RawSum             [32]byte  // SHA-256 of the files
	Writer                      string    // who wrote it
	Created                     time.Time
	Hold                        bool // it may not be dropped
	// Checked is the commit up to which the other files of the partition were searched for
	// repeats before it was written. It is for the commit and not kept.
	Checked int64
	// Bare are objects that no record is in the file of any more, with the record as it was
	// received, although one was in the files that it takes the place of. It is for the
	// replacement and not kept.
	Bare []ObjectRef
}

// ObjectRef names an object as rows of the lake do.
type ObjectRef struct{ Source, Object string }

// LakeFilter says which files are listed. The zero value is all of them.
type LakeFilter struct {
	Formats  []string
	From, To time.Time // event times: From is within, To is not. Files without times are left out then.
	// After leaves out what was committed with this Seq or before it.
	After int64
	// Day is one partition's.
	Day string
}

// LakeCommit is what becomes true at once.
type LakeCommit struct {
	Files   []LakeFile
	Ranges  []KeptRange
	Repeats []LakeRepeats // of records for which no file was written
	Objects []LakeObject
}

// LakeRepeats counts records that were left out of a partition.
type LakeRepeats struct {
	Format, Day string
	Count       int64
}

// LakeObject is an object all records of which are in the lake.
type LakeObject struct {
	Source, Object string
	Records        int64
	At             time.Time
	Sum            string // SHA-256 of its bytes as received, in hexadecimal digits; "" where it was not taken
	// Rows is what the object is called in rows, where that is another name; "": the same. It is
	// for the commit and not read back.
	Rows string
}

// LakeCopy is a copy of an original: the bytes of an object as they were received.
type LakeCopy struct {
	Number int64  // of the same count as files; no number comes twice
	Sum    string // SHA-256, in hexadecimal digits
	Size   int64
	Name   string    // below the lake
	Writer string    // who wrote it
	Seen   time.Time // when its bytes came last
}

// LakeCopies sums up copies of originals.
type LakeCopies struct{ Copies, Bytes int64 }

// LakeTotal is what there is of one partition.
type LakeTotal struct {
	Format, Day                 string
	Files, Rows, Repeats        int64
	RawBytes, HeadSize, RawSize int64
	Min, Max                    time.Time
}
