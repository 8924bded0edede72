package main

import (
	"fmt"

	"github.com/yagura-sec/yagura/entitlement"
	"github.com/yagura-sec/yagura/report"
)

type permissionCmd struct {
	Permission []string `arg:"" help:"Ids or names, such as 8ba4a692-bc31-4128-9094-475872af8a53 or Mail.Read; of applications their ids."`
}

// Run prints a line for every permission of the id or name.
func (c permissionCmd) Run(env *environment) error {
	t := &columnWriter{w: env.stdout}
	if _, err := fmt.Fprintf(t, "ID\tNAME\tTYPE\tRESOURCE\tRISK\n"); err != nil {
		return err
	}
	for _, what := range c.Permission {
		found := entitlement.Find(what)
		if len(found) == 0 {
			found = []entitlement.Permission{{ID: what, Name: entitlement.App(what), Risk: entitlement.Unknown}}
			if found[0].Name != what {
				found[0].Kind, found[0].Risk = "an application of Microsoft", entitlement.None
			}
		}
		for _, p := range found {
			if _, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", report.Escape(p.ID), report.Escape(p.Name), p.Kind, p.Resource, p.Risk); err != nil {
				return err
			}
		}
	}
	return t.Flush()
}
