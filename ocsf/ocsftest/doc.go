// Package ocsftest holds OCSF events to the schema, for tests of what other rooms write.
//
// It is the part of OCSF 1.4.0 that Yagura writes, as a table in text (schema.txt), and a
// reader of it: which attributes a class and an object may have, which they must have, of
// what type and form, which numbers an enumeration has and by which names. It is not the
// whole schema: a class, object or attribute that Yagura does not write is refused, although
// OCSF knows it.
//
// A worked example:
//
//	s := ocsftest.Load()
//	for _, wrong := range s.Check(line) { t.Error(wrong) }
package ocsftest
