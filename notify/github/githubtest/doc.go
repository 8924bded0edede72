// Package githubtest is a GitHub for tests: repositories, issues, comments, labels, events,
// webhooks and limits as the real API has them, over HTTP on loopback.
//
// It is honest: what the API's published schema refuses, it refuses with the same status
// and the same kind of body; lists may lag behind; answers may get lost after the act; a
// deleted issue is gone, a transferred one moved. People act on it through methods (Close,
// Comment, Label …), and what anybody does is sent to its webhooks, signed.
//
// It is not GitHub whole: only what a program that keeps issues needs.
//
//	gh := githubtest.New(t, githubtest.Options{Now: clock.Now})
//	gh.AddRepo("acme/security", githubtest.Repo{Private: true})
//	gh.AddToken("the-token", "yagura-user")
//	… github.Options{BaseURL: gh.URL, Token: "the-token"} …
//	gh.Close("acme/security", 1, "mary", "completed")
//	gh.SendHooks()
package githubtest
