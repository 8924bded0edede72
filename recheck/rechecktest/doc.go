// Package rechecktest is a fake of what re-checks ask: STS, EC2, RDS and S3 on loopback. It
// takes only signed requests, in the form that the services take, keeps resources by account
// and region, and says what the services say of what is not there, of another region, of
// another's bucket and of a caller without permission.
//
// A worked example:
//
//	aws := rechecktest.New(t)
//	aws.Trust("arn:aws:iam::111122223333:role/yagura-recheck", "")
//	aws.PutGroup("111122223333", "eu-west-1", "sg-1", rechecktest.Entry{Protocol: "tcp", From: 22, To: 22, Network: "0.0.0.0/0"})
package rechecktest
