// Package entitlement knows the permissions of Microsoft's APIs: which name an app role
// or delegated scope id stands for, whose it is, and what somebody who holds it can do.
//
// The tables are small generated data (graph.tsv, apps.tsv; generate.go makes them and
// says from what) and one by hand (other.tsv: resources for which there is no public
// listing). The risk is a judgement of ours, made from the name by the method that
// docs/permissions.md gives. An id that no table has stays an id, of risk unknown.
//
// It does no I/O and knows neither rules nor logs but for the properties in which
// Entra ID writes permissions ([Changes]).
//
// A worked example:
//
//	p := entitlement.Lookup("8ba4a692-bc31-4128-9094-475872af8a53")
//	p.Name, p.Resource, p.Risk // "Calendars.ReadBasic.All", "Microsoft Graph", Low
package entitlement
