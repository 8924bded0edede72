//go:build !linux

package store_test

import "time"

func limitFiles(string) error { return nil }

func processTime() time.Duration { return 0 }
