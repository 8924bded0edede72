// Package demo holds sample logs, invented for Yagura: one night in which somebody
// guesses a password in Entra ID, switches off multi-factor sign-in, finds the key
// of an AWS user, makes an administrator of it, silences the trail, takes secrets
// and invoices and opens Google Cloud as well, among ordinary work.
//
// It holds data and no code that knows a log or a rule. The accounts, addresses and
// names are those that documentation may use; nothing in it comes from a real log.
//
// A worked example:
//
//	data, err := fs.ReadFile(demo.Logs(), "cloudtrail.json.gz")
package demo
