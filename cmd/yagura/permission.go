package main

import (
	"fmt"

	"github.com/yagura-sec/yagura/entitlement"
	"github.com/yagura-sec/yagura/report"
)

type permissionCmd struct {
	Lang       string   `enum:",en,ja" default:"" placeholder:"en|ja" help:"Language of headings and risks; without it, that of LANG. Names are Microsoft's."`
	Permission []string `arg:"" help:"Ids or names, such as 8ba4a692-bc31-4128-9094-475872af8a53 or Mail.Read; of applications their ids."`
}

// Run prints a line for every permission of the id or name.
func (c permissionCmd) Run(env *environment) error {
	t, ja := &columnWriter{w: env.stdout}, env.japanese(c.Lang, "")
	if _, err := fmt.Fprintln(t, in(ja, "ID\tNAME\tTYPE\tRESOURCE\tRISK", "ID\t名前\t種類\tリソース\tリスク")); err != nil {
		return err
	}
	for _, what := range c.Permission {
		found := entitlement.Find(what)
		if len(found) == 0 {
			found = []entitlement.Permission{{ID: what, Name: entitlement.App(what), Risk: entitlement.Unknown}}
			if found[0].Name != what {
				found[0].Kind, found[0].Risk = in(ja, "an application of Microsoft", "Microsoft のアプリケーション"), entitlement.None
			}
		}
		for _, p := range found {
			if _, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", report.Escape(p.ID), report.Escape(p.Name), kindText(p.Kind, ja), p.Resource, riskText(p.Risk, ja)); err != nil {
				return err
			}
		}
	}
	return t.Flush()
}

// kindText is the type of a permission in the language of the reader.
func kindText(kind string, ja bool) string {
	if word := map[string]string{"application": "アプリケーション", "delegated": "委任"}[kind]; ja && word != "" {
		return word
	}
	return kind
}

// riskText is a risk in the language of the reader.
func riskText(r entitlement.Risk, ja bool) string {
	if !ja {
		return r.String()
	}
	return map[entitlement.Risk]string{entitlement.Low: "低", entitlement.Unknown: "不明", entitlement.Medium: "中", entitlement.High: "高"}[r]
}
