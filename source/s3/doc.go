// Package s3 is the source of objects in S3 and in stores that speak its protocol.
//
// It lists a bucket under a prefix in the order in which the store does (S3: that of the
// keys), and reads a few objects ahead while others are being judged, because a log
// bucket is a million small objects. With a start time it passes over what was last
// written before it, and where keys carry their date (…/CloudTrail/region/2026/03/14/…)
// it jumps over the years before it without listing them. A body that breaks off is resumed where it broke, of the same
// version of the object. What a store claims is checked: that a resumed body begins where
// it should, that it is of the version before, that its list goes on; and one that says
// nothing for two minutes is given up.
//
// Credentials, region, profiles and the endpoint come from where the AWS tools take
// them (environment, shared files, the role of the machine; AWS_ENDPOINT_URL for
// other stores). It needs s3:ListBucket and s3:GetObject. It writes in Store.Put alone, which
// the backup uses, and which needs s3:PutObject and s3:AbortMultipartUpload.
//
// A worked example:
//
//	src, err := s3.New(ctx, "s3://org-trail/AWSLogs/", s3.Options{Since: lastWeek})
//	for obj, err := range src.Objects(ctx) { … }
package s3
