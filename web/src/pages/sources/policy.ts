// The policy that `yagura init --source sqs` writes, with invented names: what reading a bucket
// whose objects a queue announces needs, and no more.
export const readPolicy = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "TrailQueue",
      "Effect": "Allow",
      "Action": [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes"
      ],
      "Resource": [
        "arn:aws:sqs:ap-northeast-1:111122223333:yagura-trail"
      ]
    },
    {
      "Sid": "TrailDeadQueue",
      "Effect": "Allow",
      "Action": [
        "sqs:GetQueueUrl",
        "sqs:GetQueueAttributes"
      ],
      "Resource": [
        "arn:aws:sqs:ap-northeast-1:111122223333:yagura-trail-dead"
      ]
    },
    {
      "Sid": "TrailObjects",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:GetObjectVersion"
      ],
      "Resource": [
        "arn:aws:s3:::org-trail/AWSLogs/*"
      ]
    },
    {
      "Sid": "TrailList",
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket"
      ],
      "Resource": [
        "arn:aws:s3:::org-trail"
      ]
    }
  ]
}`;
