//go:build !windows

package blob

const noDirSync = false
