// Package pack fetches rules that other people publish, from git repositories and OCI
// registries, into a folder of the user's, and keeps them pinned.
//
// A pack is a choice of files: those with the names of rules (.yml, .yaml) below the
// paths that were asked for, and the licences that stand above them. Beside them lies
// pack.lock.json, which says where they came from: the commit or digest, a checksum over all
// files, and the licences. What is locked is fetched as it was, and refused when it is
// something else; a newer version comes only when it is asked for.
//
// It is not a loader of rules, and nothing of a pack is ever shipped: rules of others
// have licences of their own, which are shown.
//
// A worked example:
//
//	p, _ := pack.Known("sigma")
//	done, err := pack.Fetch(ctx, pack.Options{Into: "packs", Pack: p})
//	fmt.Println(done.Lock.Commit, done.Lock.Sum, done.Lock.Licences)
package pack
