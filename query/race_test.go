//go:build race

package query

// The race detector makes code allocate that otherwise does not.
func init() { allocates = true }
