// Package hunt asks the lake: a question in SQL or KQL becomes one bounded query
// over the files of its time range, and rows.
//
// A Hunter knows which tables there are (lake/view, watchlists, the tables of the
// store), finds the files of the lake in the time range, has each table that the
// question names written as a SELECT over those files with only the columns that
// the question names, and gives both to the engine. What it cost, which range was
// asked, and whether a limit was met are part of the result.
//
// What it is not: it does not run SQL (lake/duck does, and app brings it: without
// cgo there is none), it does not compile KQL (query/kql), it does not say what a
// column of a table is (lake/view), it keeps no files but watchlists and saved
// hunts, which are small files that people may edit.
//
// # A worked example
//
//	h := &hunt.Hunter{Engine: engine, Lake: lake, Now: time.Now}
//	r, err := h.Run(ctx, hunt.Request{
//		Language: hunt.KQL,
//		Text:     `AWSCloudTrail | where EventName == "ConsoleLogin" | summarize count() by SourceIpAddress`,
//		From:     monday, To: tuesday,
//	})
//	for r.Next() { use(r.Values()) }
//	err = errors.Join(r.Err(), r.Close())
//	fmt.Println(r.Stats().RowsScanned)
//
// # Time
//
// A question has a time range, [From, To). Where none is given it is the last 30
// days before Now, or as long as the question itself says (ago(90d)); the result
// says which it was and that it was not given. Now is what now() and ago() count
// from: a question about history is asked as of then.
//
// # Saved hunts
//
// A saved hunt is a YAML file: see Saved. Shipped ones are in the folder hunts of
// the project, a team's own below the data folder. Parameters are typed values
// that take the place of $name in SQL and of declare query_parameters in KQL; they
// cannot become anything but values.
//
// # Watchlists
//
// A watchlist is a table that somebody brings: CSV or JSON, with a key column and
// perhaps a day at which it ends. It is the table watchlist_<name> in SQL, and
// _GetWatchlist('<name>') in KQL.
package hunt
