// Package column holds rows as typed columns, and writes them as a Parquet file.
//
// A [Buffer] is one column that grows by one value per row: text is kept in a dictionary
// as it comes, numbers and keys in a slice. Nothing of it is per row and of any type: no
// reflection, no value that holds all kinds. A [Writer] turns rows of buffers into row groups.
//
// It is not a general Parquet library: columns are flat, text is never NULL, times alone
// may be, pages are zstd, and it does not read. What it writes is read by every reader of
// Parquet: text is RLE_DICTIONARY where that is smaller and else PLAIN, whole numbers are
// DELTA_BINARY_PACKED, with minimum and maximum of every chunk and split-block bloom
// filters for the columns that ask for one.
//
// A worked example:
//
//	name := column.New(column.Spec{Name: "action", Kind: column.Text})
//	name.Text.Append("StopLogging")
//	w := column.NewWriter(file, column.Options{}, name)
//	err := w.Rows(0, 1)
//	filters, err := w.Close()
package column
