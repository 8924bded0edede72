// Package generate invents a week in the clouds of a company that does not exist: the logs of
// ordinary work, four attacks among it, and what the people of the company did about them.
//
// It writes what the services write, in their own shapes, and knows nothing of formats, rules
// or issues: what comes of its logs is found out by the pipeline that reads them. It does no
// I/O and takes no clock. The same seed and the same end give the same bytes.
//
// Nothing in it comes from a real log. Accounts, domains and addresses are those that are set
// aside for documentation (RFC 2606, RFC 5737, RFC 3849), so no address can be geolocated; where
// a service writes a place into its own record, as Entra ID does, the place is invented too.
//
// A worked example:
//
//	week := generate.New(generate.Options{Seed: 1, End: time.Now()})
//	for r := range week.Hour(0) { … }          // ordinary work of the first hour
//	for _, r := range week.Story() { … }       // what does not happen every week
//	for _, f := range generate.Files(records) { … } // as the services deliver them
package generate
