package api

import (
	"context"
	"time"
)

// Documents are what people wrote down: runbooks, the handbook, and what rules say of their own
// findings.
type Documents interface {
	ListDocuments(ctx context.Context, ask Ask) (*List[Document], error)
	Document(ctx context.Context, path string) (*DocumentText, error)
	// CheckDocument says what is doubtful in a text that is to be written at a path.
	CheckDocument(ctx context.Context, path, text string) ([]Fault, error)
	// PutDocument writes a document. fresh says that there must be none yet; otherwise match is
	// asked with the tag of what is there.
	PutDocument(ctx context.Context, path, text string, fresh bool, match func(tag string) error) (*DocumentText, error)
	DeleteDocument(ctx context.Context, path string, match func(tag string) error) error
}

// Document is a document as it is listed.
type Document struct {
	Path    string    `json:"path" doc:"Below the folder of documents, with / between folders; that of a rule's runbook begins with rules/."`
	Title   string    `json:"title" doc:"The first heading; without one, the name of the file."`
	Kind    string    `json:"kind" enum:"runbook,handbook,reference" doc:"runbook (of a rule, or in the folder runbooks), handbook (other Markdown) or reference (other texts)"`
	Lang    string    `json:"lang" enum:"en,ja" doc:"en or ja"`
	Rule    string    `json:"rule,omitempty" doc:"The rule whose runbook it is."`
	Shipped bool      `json:"shipped" doc:"It comes with the program."`
	Updated time.Time `json:"updated,omitzero"`
	Size    int64     `json:"size" doc:"Bytes of the text."`
}

// DocumentText is one document, whole.
type DocumentText struct {
	Document
	Text     string `json:"text"`
	ETag     string `json:"etag"`
	Editable bool   `json:"editable" doc:"It can be written here; the runbook of a rule is written in the rule's file."`
}

// Tag is what If-Match is compared with.
func (d *DocumentText) Tag() string { return d.ETag }

type documentsIn struct{ ListIn }

func (a *API) documents(ctx context.Context, c *Call[documentsIn]) (*List[Document], error) {
	if err := served(a.parts.Documents != nil); err != nil {
		return nil, err
	}
	return a.parts.Documents.ListDocuments(ctx, c.Ask)
}

type documentIn struct {
	Path string `path:"path" doc:"Its path, with / between folders."`
}

func (a *API) document(ctx context.Context, c *Call[documentIn]) (*DocumentText, error) {
	if err := served(a.parts.Documents != nil); err != nil {
		return nil, err
	}
	return a.parts.Documents.Document(ctx, c.In.Path)
}

// DocumentTrial is a text that may become a document.
type DocumentTrial struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// DocumentChecked says what is doubtful in it; it may be written all the same.
type DocumentChecked struct {
	Problems []Fault `json:"problems"`
}

type checkDocumentIn struct{ Body DocumentTrial }

func (a *API) checkDocument(ctx context.Context, c *Call[checkDocumentIn]) (*DocumentChecked, error) {
	if err := served(a.parts.Documents != nil); err != nil {
		return nil, err
	}
	faults, err := a.parts.Documents.CheckDocument(ctx, c.In.Body.Path, c.In.Body.Text)
	return &DocumentChecked{Problems: faults}, err
}

// DocumentBody is what a document is to say.
type DocumentBody struct {
	Text string `json:"text"`
}

type putDocumentIn struct {
	Path string `path:"path"`
	Body DocumentBody
}

func (a *API) putDocument(ctx context.Context, c *Call[putDocumentIn]) (*DocumentText, error) {
	if err := served(a.parts.Documents != nil); err != nil {
		return nil, err
	}
	c.Did("document.put", "document/"+c.In.Path, "")
	fresh := c.r.Header.Get("If-None-Match") == "*" && c.r.Header.Get("If-Match") == ""
	return a.parts.Documents.PutDocument(ctx, c.In.Path, c.In.Body.Text, fresh, c.Match)
}

func (a *API) deleteDocument(ctx context.Context, c *Call[documentIn]) (Nothing, error) {
	if err := served(a.parts.Documents != nil); err != nil {
		return Nothing{}, err
	}
	c.Did("document.delete", "document/"+c.In.Path, "")
	return Nothing{}, a.parts.Documents.DeleteDocument(ctx, c.In.Path, c.Match)
}
