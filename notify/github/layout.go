package github

import (
	"text/template"

	"github.com/yagura-sec/yagura/notify"
)

// page is what the templates see: the text of the notice, and what only this sink knows.
type page struct {
	*notify.Text
	Timeline []string // newest entries, the newest first
	Previous string   // where the story was before, after people deleted that issue
	Unknown  string   // assignee who is not known at GitHub
}

var layout = notify.Layout{
	Builtin: map[notify.Lang]string{notify.English: templateEN, notify.Japanese: templateJA},
	Escape:  Escape,
	Funcs: template.FuncMap{
		"code":  code,
		"fence": fence,
		"link":  anchor,
		"nl":    func() notify.Safe { return "\n" },
	},
	Data: func(t *notify.Text) any { return &page{Text: t, Timeline: []string{t.Entry}} },
}

// The blocks: title and body open an issue; status is the comment that is edited in place;
// comment is every other comment. Hostile text stands in code spans and blocks, or goes
// through Escape, as all that a template prints.
const blocks = `
{{- define "title"}}{{.Headline}}{{end}}

{{- define "facts"}}{{range .Facts}}- **{{.Label}}**: {{if .Code}}{{code .Value}}{{else}}{{.Value}}{{end}}
{{end}}{{end}}

{{- define "why"}}{{if .Why}}
### {{.Words.Why}}

{{range .Why}}- {{code .Field}} {{.Op}} {{code .Value}}{{if and .Actual (ne .Actual .Value)}} ← {{code .Actual}}{{end}}
{{end}}{{if .WhyMore}}- {{printf .Words.More .WhyMore}}
{{end}}{{end}}{{end}}

{{- define "entities"}}{{if .Entities}}
### {{.Words.Entities}}

{{range .Entities}}- {{.Label}}: {{code .ID}}
{{end}}{{if .EntitiesMore}}- {{printf .Words.More .EntitiesMore}}
{{end}}{{end}}{{end}}

{{- define "runbook"}}{{if .Check}}
### {{.Words.Check}}

{{range .Check}}- {{.}}
{{end}}{{end}}{{if .Do}}
### {{.Words.Do}}

{{range .Do}}- {{.}}
{{end}}{{end}}{{end}}

{{- define "links"}}{{if .Links}}
### {{.Words.Links}}

{{range .Links}}- {{link .Title .URL}}
{{end}}{{end}}{{end}}

{{- define "body"}}**{{.Lead}}**
{{if .What}}
{{fence .What}}
{{end}}
{{template "facts" .}}{{template "why" .}}{{template "entities" .}}{{range .Caps}}
_{{.}}_
{{end}}{{template "runbook" .}}{{template "links" .}}{{template "moved" .}}{{template "unknown" .}}
{{.Words.Issue}} {{code .IssueID}}
{{end}}

{{- define "status"}}### {{.Words.Status}}: {{.Status}}

{{template "facts" .}}{{template "unknown" .}}{{if .Timeline}}
### {{.Words.Timeline}}

{{range .Timeline}}- {{code .}}
{{end}}{{end}}
{{.Words.Updated}}: {{.Updated}}
{{end}}

{{- define "comment"}}**{{.Lead}}**
{{if .Comment}}
{{fence .Comment}}
{{else if .Entry}}
- {{code .Entry}}
{{end}}{{if or (eq .Op "reopen") (eq .Op "rise")}}{{if .What}}
{{fence .What}}
{{end}}
{{template "facts" .}}{{template "why" .}}{{end}}{{if and (eq .Op "close") .Conclusion}}
- **{{.Words.Conclusion}}**: {{.Conclusion}}
{{end}}{{end}}
`

const templateEN = blocks + `
{{- define "moved"}}{{if .Previous}}
The issue {{code .Previous}}, where this story began, was deleted; it goes on here.
{{end}}{{end}}
{{- define "unknown"}}{{if .Unknown}}
The assignee {{code .Unknown}} is not known here as somebody whom an issue can be given to.
{{end}}{{end}}
{{- define "duplicate"}}This issue was filed twice, because an answer of GitHub came too late. The story goes on in {{link .Title .To}}; this one is closed.{{end}}`

const templateJA = blocks + `
{{- define "moved"}}{{if .Previous}}
経緯が記録されていた Issue {{code .Previous}} は削除されたため、こちらで続けます。
{{end}}{{end}}
{{- define "unknown"}}{{if .Unknown}}
担当者 {{code .Unknown}} は、このリポジトリで割り当てできるアカウントとして見つかりませんでした。
{{end}}{{end}}
{{- define "duplicate"}}GitHub の応答が遅れたため、この Issue は二重に作成されました。経緯は {{link .Title .To}} で続けます。こちらは完了とします。{{end}}`

// CheckTemplate says what is wrong with a file of templates.
func CheckTemplate(lang notify.Lang, file string) error {
	_, err := layout.LoadFile(lang, file)
	return err
}
