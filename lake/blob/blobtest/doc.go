// Package blobtest is what every store of lake files must pass ([Run]), and servers on
// loopback that speak like Google Cloud Storage and Azure Blob Storage ([GCS], [Azure]).
// The servers hold to what the services document as far as lake/blob asks for it: a
// condition is checked and an object appears in one step, an MD5 is compared before, and
// what is not known is refused. [Faults] stands before any of them and does what networks
// and overloaded services do: it throttles, loses the answer after the work was done,
// cuts an answer short, changes it, or does not answer at all.
//
// It is for tests alone, and it is no emulator: there are no permissions in it.
//
// A worked example:
//
//	faults := &blobtest.Faults{Handler: blobtest.NewGCS("lake")}
//	srv := httptest.NewServer(faults)
//	store, err := blob.NewGCS(blob.GCSOptions{Bucket: "lake", HTTPOptions: blob.HTTPOptions{Endpoint: srv.URL}})
//	blobtest.Run(t, store, blobtest.Options{Faults: faults})
package blobtest
