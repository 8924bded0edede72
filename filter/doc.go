// Package filter is the one language in which lists are asked: the same text in the address
// of a page, in a saved view, in a call of the API and on the command line.
//
//	severity:>=high status:open account:1234 rule:"Root sign-in" seen:<24h "free text" -label:known
//
// A query is a row of terms that must all hold. A term is a field, a colon and one value or
// several with commas, of which one must hold; - before it turns it round. A word without a
// field is looked for in the texts of the list. Which fields a list has, of which kind and
// with which words, is data of this room ([Lists]); what they mean in tables is the store's.
// The same may be written in Japanese, with the signs that its input methods write.
//
// It does no I/O and takes no clock: `seen:<24h` stays "less than a day ago" until somebody
// who knows the time asks with [Query.At]. An [Error] says all that is wrong with a text, each
// fault with its place and what was expected there, in both languages; [Complete] says what may
// be written at a place. A list that lies in memory answers by [Query.Match].
//
// A worked example:
//
//	q, err := filter.Parse(filter.Issues, `severity:>=hihg`)
//	// 1:12: "hihg" is no severity: want critical, high, medium, low or none (hint: did you mean high?)
package filter
