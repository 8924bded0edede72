// Package sqs is the receiver of what an SQS queue brings: notifications that name objects
// in S3, and messages that are log records or findings themselves.
//
// A message is recognised by its content, not by configuration ([Parse] lists the forms):
// S3's own notification, the same through SNS once or twice, EventBridge's "Object Created",
// what CloudTrail tells SNS, and bodies that are records. What is none of these is poison:
// it goes to the queue's own dead-letter queue where it has one, and is handed out as
// Refused, with its bytes, where it has none.
//
// A message is deleted when it is acknowledged, and stays out while Extend is called. SQS
// lets nothing stay out longer than twelve hours from its receipt; a message that is still
// being worked on then comes back, and is taken again without being handed out twice.
//
// It is not a decoder: it never looks into an object, and into a body only as far as
// is needed to tell a notification from a record.
//
// A worked example:
//
//	store, err := s3.NewStore(ctx, s3.StoreOptions{})
//	r, err := sqs.New(ctx, sqs.Options{Name: "trail", Queue: "https://sqs.eu-west-1.amazonaws.com/111122223333/trail", Store: store})
//	messages, err := r.Receive(ctx) // messages[0].Objects[0].Name is "s3://org-trail/AWSLogs/…"
package sqs
