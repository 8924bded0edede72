package api

import "context"

// TeamFiles are what a team says of its accounts and of how people are told, as YAML files that
// may as well be written by hand. What is written here is checked as the files are, and holds at
// once.
type TeamFiles interface {
	TeamFile(ctx context.Context, name string) (*TeamFile, error)
	CheckTeamFile(ctx context.Context, name, text string) (*TeamFileChecked, error)
	// PutTeamFile writes the text and has it hold. match is called with the ETag of what holds
	// before anything is written.
	PutTeamFile(ctx context.Context, name, text string, match func(tag string) error) (*TeamFile, error)
}

// TeamFile is one of them.
type TeamFile struct {
	Name  string `json:"name" enum:"accounts,notifications"`
	File  string `json:"file" doc:"Where it stands, or will."`
	Text  string `json:"text" doc:"Where there is no file yet, one to begin with that says nothing."`
	ETag  string `json:"etag"`
	Fresh bool   `json:"fresh" doc:"There is no file yet."`
}

// Tag is what If-Match is compared with.
func (f *TeamFile) Tag() string { return f.ETag }

// TeamFileChecked says what is wrong with a text.
type TeamFileChecked struct {
	Problems []TeamFileProblem `json:"problems"`
	Refused  bool              `json:"refused" doc:"It cannot hold as it is."`
}

// TeamFileProblem is one of it.
type TeamFileProblem struct {
	Fault
	Warning bool `json:"warning,omitempty"`
}

// TeamFileText is what a file is to say.
type TeamFileText struct {
	Text string `json:"text"`
}

type teamFileIn struct {
	Name string `path:"name" doc:"accounts (the registry) or notifications."`
}

func (a *API) teamFile(ctx context.Context, c *Call[teamFileIn]) (*TeamFile, error) {
	if err := served(a.parts.TeamFiles != nil); err != nil {
		return nil, err
	}
	return a.parts.TeamFiles.TeamFile(ctx, c.In.Name)
}

type teamFileTextIn struct {
	Name string `path:"name" doc:"accounts (the registry) or notifications."`
	Body TeamFileText
}

func (a *API) checkTeamFile(ctx context.Context, c *Call[teamFileTextIn]) (*TeamFileChecked, error) {
	if err := served(a.parts.TeamFiles != nil); err != nil {
		return nil, err
	}
	return a.parts.TeamFiles.CheckTeamFile(ctx, c.In.Name, c.In.Body.Text)
}

func (a *API) putTeamFile(ctx context.Context, c *Call[teamFileTextIn]) (*TeamFile, error) {
	if err := served(a.parts.TeamFiles != nil); err != nil {
		return nil, err
	}
	c.Did("team-file.put", "team-file/"+c.In.Name, "")
	return a.parts.TeamFiles.PutTeamFile(ctx, c.In.Name, c.In.Body.Text, c.Match)
}
