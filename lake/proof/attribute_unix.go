//go:build linux || darwin

package proof

import "golang.org/x/sys/unix"

// attribute reads an extended attribute of a file, "" where there is none.
func attribute(file, name string) string {
	buf := make([]byte, maxSig)
	n, err := unix.Getxattr(file, name, buf)
	if err != nil || n <= 0 {
		return ""
	}
	return string(buf[:n])
}
