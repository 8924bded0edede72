package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/store"
)

type backupCmd struct {
	serverFlags
	Recipient []string `placeholder:"AGE" help:"Encrypt to an age public key (age1…); may be repeated."`
	Plain     bool     `help:"Do not encrypt."`
	File      string   `arg:"" help:"File to write, an object (s3://bucket/key), or - for standard output."`
}

// Help is the text below the usage of backup.
func (backupCmd) Help() string {
	return `
Writes one consistent archive of everything that the store holds, while the server runs: issues, findings, notices, delivery records. It is encrypted with age unless --plain is given. What is kept of the records lies in files below the data folder, and is copied as files.

Examples:

    age-keygen -o key.txt
    yagura backup --config yagura.yaml --recipient age1… yagura.backup
    yagura backup --config yagura.yaml --recipient age1… s3://backups/yagura.backup
    yagura restore --config new.yaml --identity key.txt s3://backups/yagura.backup
`
}

// Run writes the backup. A file or an object appears whole or not at all.
func (c *backupCmd) Run(env *environment) error {
	if c.Plain == (len(c.Recipient) > 0) {
		return usage("give --recipient, or --plain")
	}
	var to []age.Recipient
	for _, text := range c.Recipient {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return usage("--recipient: %w", err)
		}
		to = append(to, r)
	}
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	b, err := app.OpenBooks(env.ctx, cfg, store.ReadOnly, env.now)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // it was only read
	write := func(w io.Writer) error {
		if c.Plain {
			return b.DB.Backup(env.ctx, w)
		}
		sealed, err := age.Encrypt(w, to...)
		if err != nil {
			return err
		}
		return errors.Join(b.DB.Backup(env.ctx, sealed), sealed.Close())
	}
	if c.File == "-" {
		return write(env.stdout)
	}
	return app.WriteWhole(env.ctx, cfg, c.File, write)
}

// sealed is how a file of age begins.
const sealed = "age-encryption.org/"

type restoreCmd struct {
	serverFlags
	Identity string `placeholder:"FILE" help:"File of age identities."`
	File     string `arg:"" help:"File or object (s3://bucket/key) of the backup, or - for standard input."`
}

// Help is the text below the usage of restore.
func (restoreCmd) Help() string {
	return `
Reads a backup into an empty store, SQLite or PostgreSQL, whichever it came from: all of it, or after an error nothing. Notices that waited when the backup was made are looked for at their sinks before anything is sent again.
`
}

// Run restores.
func (c *restoreCmd) Run(env *environment) error {
	cfg, err := config.Load(c.Config, env.environ)
	if err != nil {
		return err
	}
	in := io.Reader(env.stdin)
	if c.File != "-" {
		f, err := app.OpenArchive(env.ctx, cfg, c.File)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	head := bufio.NewReader(in)
	if magic, _ := head.Peek(len(sealed)); string(magic) == sealed && c.Identity == "" {
		return usage("the backup is encrypted (hint: --identity names the file of the age identity)")
	}
	in = head
	if c.Identity != "" {
		data, err := os.ReadFile(c.Identity)
		if err != nil {
			return err
		}
		ids, err := age.ParseIdentities(strings.NewReader(string(data)))
		if err != nil {
			return usage("--identity: %w", err)
		}
		if in, err = age.Decrypt(in, ids...); err != nil {
			return fmt.Errorf("restore: %w (hint: is it encrypted, and to this identity?)", err)
		}
	}
	if cfg.Data != "" {
		if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
			return err
		}
	}
	b, err := app.OpenBooks(env.ctx, cfg, store.Serve, env.now)
	if err != nil {
		return err
	}
	defer b.DB.Close() //nolint:errcheck // what was restored is durable
	return b.DB.Restore(env.ctx, in)
}
