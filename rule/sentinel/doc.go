// Package sentinel reads Microsoft Sentinel's analytic rules and hunting queries, as their
// authors publish them, into rules that run on a schedule over the lake. A rule of our own
// that is written in SQL has the same keys with `language: sql`; one of kind Unusual has no
// query, which is made of what it says of an entity (room usual).
//
// It reads three forms: a YAML file with one rule, the JSON of one rule as Sentinel exports
// it (kind and properties), and an ARM template with any number of them among its resources.
// Kinds Scheduled and NRT are rules; a file with a query and no schedule is a hunting query,
// which is loaded, checked and listed, and never runs by itself.
//
// A rule is loaded whole or refused whole, with file:line:column. What the KQL compiler
// says of the query is moved to the place of the query in the file. Keys that only a portal
// reads (version, metadata, requiredDataConnectors, …) are known and have no effect; a key
// that is not known is refused, because it may be one that changes what the rule means.
//
// The package is not the scheduler (room schedule decides when a rule runs and what its
// rows come to), it runs no query, reads no file and takes no clock. The [Checker] that
// compiles queries is handed in.
//
// A worked example:
//
//	rules, refusals := sentinel.Load(files, sentinel.Options{Check: compile})
//	r := rules[0]
//	r.Title            // Changes to AWS Security Group ingress and egress settings
//	r.Severity         // low (the file says Low)
//	r.Schedule.Every   // 24h0m0s: queryFrequency: 1d
//	r.Tags             // [attack.persistence attack.t1098]
//	r.Entities[0]      // Account, FullName from the column AccountCustomEntity
//	refusals[0].Error() // rules/b.yaml:23:5: unknown table "Fo" (hint: did you mean …)
package sentinel
