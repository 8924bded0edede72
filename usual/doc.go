// Package usual says what is usual for an entity, and what is not: from where an actor comes,
// with which programs, what it calls, at which hours, in which regions, on which resources.
//
// There is no store of baselines. The lake's head columns are the baseline: a question is one
// bounded query over the events before it, so an answer is a function of the events and of
// nothing else. Late events, another order of delivery, merged files and a new database of
// addresses need no repair: the next answer has them.
//
// The room is plain Go: the types, the SQL with its parameters, what the rows of the engine
// come to, and the words in which it is said. It opens nothing, asks no engine and takes no
// clock. App brings the engine ([Asker]) and the databases of addresses (room usual/geo).
//
// # What an answer says
//
// First: the value was never there in the period before (90 days). Rare: it was, on fewer than
// 3 days and in less than 1 % of the entity's events. Learning: the entity, or the log of its
// account, is known for less than 14 days, or by fewer than 50 events. While it learns nothing
// is first or rare, and the words say that it learns.
//
// # Values
//
// A value is what people compare: the network of an address (/24, /48, or its autonomous
// system where there is a database) and not the address; the family of a user agent and not
// its version. [NetworkOf], [AgentOf] and [HourOf] make values; the engine has the same
// functions under the names in [Functions], so that what a rule compares and what a question
// asks cannot differ.
//
// A worked example:
//
//	q := usual.Of(&finding, detail)         // one question per dimension that the event fills
//	answers, err := asker.Ask(ctx, q)
//	answers[0].First                        // true
//	answers[0].Words("en")                  // first time from 203.0.113.0/24 in 90 days; known since
//	                                        // 2026-08-02 with 1,204 events on 41 days, from 3 networks;
//	                                        // none of its 14 peers came from there
package usual
