// Package accounts reads the registry of accounts from AWS Organizations: names, the path of
// organisational units, and the tags that say who owns an account and what it is for.
//
// It is not the registry itself, which also has a file and other clouds: it returns what one
// organisation says, and how old that is. The list is kept in a file, so that a start does
// not wait for it and an outage does not lose it; what is stale says so.
//
// It needs organizations:DescribeOrganization, ListRoots, ListAccounts, ListTagsForResource
// and ListOrganizationalUnitsForParent and ListAccountsForParent, in the management account
// or in one that is a delegated administrator, and never writes.
//
// A worked example:
//
//	list, err := accounts.Load(ctx, accounts.Options{Cache: "/var/lib/yagura/accounts.json", Owner: []string{"team", "owner"}})
//	for _, a := range list.Accounts { … } // yagura.AccountInfo{ID: "111122223333", Owner: "payments", …}
package accounts
