// Package awscall holds what every call of a sink at AWS needs: what an error of the SDK
// means for the next attempt of a delivery (whether the service may have acted, how long to
// wait, for whom, what a person can do about it), and an HTTP client that keeps answers
// whole. It calls nobody by itself.
//
// A worked example:
//
//	client := cloudwatchlogs.NewFromConfig(awscall.Config(cfg))
//	out, err := client.PutLogEvents(ctx, in)
//	if err != nil {
//		return awscall.Explain(err, awscall.Call{Sink: "cloudwatch logs", Permission: "logs:PutLogEvents", Now: now})
//	}
//	// cloudwatch logs: AccessDeniedException: …: access denied (hint: the identity needs logs:PutLogEvents)
package awscall
