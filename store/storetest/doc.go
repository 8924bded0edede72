// Package storetest holds a database to what package store promises: [Run] is the suite,
// and both dialects pass the same one. [Postgres] starts one private PostgreSQL server per
// test binary from the programs that are installed, and gives every test a database of
// its own; other rooms use it for their own tests.
//
// It is for tests only.
//
// A worked example:
//
//	func TestPostgres(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, o store.Options) *store.DB {
//			o.URL = storetest.Postgres(t)
//			…
//		})
//	}
package storetest
