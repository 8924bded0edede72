// Package config is the one struct that Yagura is set up by: a YAML file, then the
// environment (YAGURA_…), then, over both, the flags of the command line.
//
// Nothing in a file is ignored: an unknown key, a value of the wrong type or a
// severity that does not exist is refused with file:line:column and a hint, and all
// faults of a file are said at once. Every key has an environment variable of the
// same path in capitals (s3.endpoint is YAGURA_S3_ENDPOINT); lists are separated by
// commas. A secret can also be given as a file: s3.secret_access_key_file names it.
//
// It opens what it is told to open and nothing else, and it does not know what the
// values are used for: app does.
//
// A worked example:
//
//	c, err := config.Load("yagura.yaml", os.Environ())
//	// yagura.yaml:4:3: unknown key "acounts" (hint: did you mean accounts?)
package config
