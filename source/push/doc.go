// Package push receives what others send over HTTP: any JSON with a token or a signed
// webhook ([NewGeneric]), Amazon SNS ([NewSNS]), EventBridge API destinations
// ([NewEventBridge]), Falco and falcosidekick ([NewFalco]).
//
// Each configured source is one [Endpoint]: an http.Handler that takes requests and a
// source.Receiver that hands them out. Between the two stands a [Log]: senders want an
// answer at once, so a request is first made durable in the log, then answered with 200,
// then handed out, and forgotten when it is acknowledged. A process that is killed
// between the answer and the judgement hands the request out again.
//
// # What a request is known by
//
// Where the protocol names the message (webhook-id, SNS MessageId, EventBridge id,
// falcosidekick uuid) the object is called by that name, with a hash of the content as
// its tag: a message that is sent again is the same object and judged once, and another
// content under a name that was used before is another object, so that no sender can
// hide a record by repeating a name. Where the protocol names nothing, the object is
// called by its place in the log; requests that arrive in the same moment are then
// stored as one object, and equal requests are two.
//
// # What it is not
//
// It decodes no records (decode does) and reads no S3 objects: a message that names
// some is resolved by a function that is handed in. It is not the HTTP server (room
// server is) and not the receiver of the sinks' webhooks.
//
// A worked example:
//
//	log, err := push.OpenFileLog(push.FileLogOptions{Dir: "/var/lib/yagura/received/ci"})
//	e, err := push.NewGeneric(push.GenericOptions{
//		Common: push.Common{Name: "ci", Log: log},
//		Access: push.Access{Bearer: []string{token}},
//	})
//	mux.Handle("/in/ci", e) // curl -H "Authorization: Bearer …" -d @event.json
//	messages, err := e.Receive(ctx) // somewhere else: judge, keep, then e.Ack
package push
