// Package recheck asks AWS for the present state of the thing that a posture issue is about,
// so that an issue can end without the counter-event in a log: a security group's entry, a
// shared snapshot or image, a bucket's guard or policy.
//
// It only reads. It closes nothing, keeps nothing and paces nothing: triage decides what an
// answer means for the issue, and the caller when is asked and as whom. What is asked about
// comes from the cause key of the issue alone; a part that is missing, that is no id of the
// service, or that stands for several things makes no target, and such an issue waits for
// its counter-event or a person.
//
// An answer is one of three: it is still so, it is fixed, the resource is gone. Everything
// else (no permission, throttling, a time-out, an answer of another form, an answer about
// something else) is an error, and an error is never an answer.
//
// A worked example:
//
//	t, ok := recheck.TargetOf(issue) // v1|-|111122223333|dd3dd7f7-… group=sg-1 protocol=tcp from=22 to=22 cidr=0.0.0.0/0
//	a, err := reader.Read(ctx, t)    // one signed call of ec2:DescribeSecurityGroups
//	// a.State Fixed, a.Text "ec2:DescribeSecurityGroups sg-1: it has no entry tcp 22-22 0.0.0.0/0"
package recheck
