// Package slacktest is Slack on loopback, for tests: the methods of the Web API that Yagura
// calls, with the checks of their documentation (tokens, scopes, arguments, the limits of
// Block Kit, metadata, triggers, pages), message threads with deletion and archiving, Socket
// Mode over a websocket, and people who press buttons, fill modals, write and use commands.
//
// It can refuse, limit, and lose answers after it took a message, and it counts what is
// there. Where Slack's documentation leaves something open it takes the harsher reading: an
// argument that a method does not know is refused, pages may be short.
//
// It is not Slack: it renders nothing, but [Message.Controls] lists what Slack would have
// made a mention or a link of.
//
// A worked example:
//
//	fake := slacktest.New()
//	defer fake.Close()
//	soc := fake.AddChannel("soc", true)
//	mary := fake.AddUser("Mary", "mary@example.com")
//	sink, err := slack.New(slack.Options{Name: "soc", Token: fake.Token, AppToken: fake.AppToken, Channel: soc, API: fake.API(), Hooks: fake.Hooks()})
//	go sink.Listen(ctx, inbox)
//	fake.Connected(ctx, 1)
//	answer, err := fake.Press(ctx, mary, soc, ts, "yagura_ack")
package slacktest
