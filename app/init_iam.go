package app

import (
	"encoding/json"
	"fmt"
	"strings"
)

// iam writes the policies of the roles, queues and topics, and how they are put in place.
func (w *initWriter) iam() {
	o := w.o
	b := &w.b
	b.Reset()
	fmt.Fprintf(b, "# %s\n\n", w.say("What AWS has to allow", "AWS で必要な許可"))
	fmt.Fprintf(b, "%s\n", w.say("Run these in this folder, after you have looked at the files. Words in capitals are yours to replace.", "内容を確認してから、このフォルダーで実行してください。大文字の語は置き換えが必要です。"))
	roles := NewIAMRoles(w.parsed(), IAMNames{Prefixes: []string{"s3://" + o.Bucket}, Keys: o.KMSKeys})
	for _, r := range roles {
		name, account := "yagura", o.Account
		trust := NewTrust(map[string]string{"Service": "ec2.amazonaws.com"}, "")
		if r.Role != "" {
			name = r.Role[strings.LastIndexByte(r.Role, '/')+1:]
			account = strings.Split(r.Role, ":")[4]
			external := ""
			if r.ExternalID {
				external = w.secrets["external_id"]
			}
			trust = NewTrust(map[string]string{"AWS": o.ownRole()}, external)
		}
		w.file("iam/"+name+"-role.json", r.Policy.JSON())
		w.file("iam/"+name+"-trust.json", trust.JSON())
		if account == "*" {
			account = w.say("in every account of the registry", "台帳の各アカウント")
		}
		fmt.Fprintf(b, "\n## %s %s (%s)\n\n", w.say("Role", "ロール"), name, account)
		if r.Role == "" {
			fmt.Fprintf(b, "%s\n\n", w.say("The role that Yagura runs as. The trust is for EC2; for ECS it is ecs-tasks.amazonaws.com, for pods that of the cluster.",
				"Yagura が使うロールです。信頼ポリシーは EC2 用です。ECS では ecs-tasks.amazonaws.com、Pod ではクラスターのものに置き換えてください。"))
		}
		fmt.Fprintf(b, "```console\n$ aws iam create-role --role-name %s --assume-role-policy-document file://%s-trust.json\n$ aws iam put-role-policy --role-name %s --policy-name yagura --policy-document file://%s-role.json\n```\n", name, name, name, name)
	}
	if o.has("sqs") {
		w.queue()
	}
	if o.has("sns") || o.has("sqs") && o.Via == "sns" {
		w.topic()
	}
	w.file("iam/README.md", b.String())
}

func document(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // it holds strings, numbers and lists
	}
	return string(b) + "\n"
}

// queue writes the attributes of the queues, and who tells the first of new objects.
func (w *initWriter) queue() {
	o := w.o
	bucket, prefix := o.bucket()
	queue := fmt.Sprintf("arn:aws:sqs:%s:%s:%s", o.Region, o.Account, o.Queue)
	bucketARN := "arn:aws:s3:::" + bucket
	sender := NewSender("s3.amazonaws.com", "sqs:SendMessage", queue, bucketARN, o.LogAccount)
	switch o.Via {
	case "sns":
		sender = NewSender("sns.amazonaws.com", "sqs:SendMessage", queue, o.topicARN(), o.LogAccount)
	case "eventbridge":
		sender = NewSender("events.amazonaws.com", "sqs:SendMessage", queue, fmt.Sprintf("arn:aws:events:%s:%s:rule/yagura", o.Region, o.LogAccount), o.LogAccount)
	}
	const retention = "1209600" // 14 days
	redrive, err := json.Marshal(map[string]string{"deadLetterTargetArn": queue + "-dead", "maxReceiveCount": "10"})
	if err != nil {
		panic(err) // it holds strings
	}
	w.file("iam/queue-policy.json", sender.JSON())
	w.file("iam/queue-attributes.json", document(map[string]string{"MessageRetentionPeriod": retention, "RedrivePolicy": string(redrive), "Policy": strings.TrimSpace(sender.JSON())}))
	w.file("iam/dead-queue-attributes.json", document(map[string]string{"MessageRetentionPeriod": retention}))
	fmt.Fprintf(&w.b, "\n## %s\n\n```console\n", w.say("Queue and dead-letter queue", "キューとデッドレターキュー"))
	fmt.Fprintf(&w.b, "$ aws sqs create-queue --region %s --queue-name %s-dead --attributes file://dead-queue-attributes.json\n", o.Region, o.Queue)
	fmt.Fprintf(&w.b, "$ aws sqs create-queue --region %s --queue-name %s --attributes file://queue-attributes.json\n```\n", o.Region, o.Queue)
	filter := map[string]any{"Key": map[string]any{"FilterRules": []map[string]string{{"Name": "prefix", "Value": prefix}}}}
	told := func(list, key, arn string) map[string]any {
		return map[string]any{list: []map[string]any{{"Id": "yagura", key: arn, "Events": []string{"s3:ObjectCreated:*"}, "Filter": filter}}}
	}
	fmt.Fprintf(&w.b, "\n## %s %s (%s)\n\n", w.say("Bucket", "バケット"), bucket, o.LogAccount)
	fmt.Fprintf(&w.b, "%s\n\n", w.say("put-bucket-notification-configuration replaces all notifications of the bucket: merge the file with what get-bucket-notification-configuration shows.",
		"put-bucket-notification-configuration はバケットの通知設定をすべて置き換えます。get-bucket-notification-configuration の内容と統合してください。"))
	switch o.Via {
	case "sns":
		w.file("iam/bucket-notification.json", document(told("TopicConfigurations", "TopicArn", o.topicARN())))
	case "eventbridge":
		w.file("iam/bucket-notification.json", document(map[string]any{"EventBridgeConfiguration": map[string]any{}}))
		w.file("iam/rule-pattern.json", document(map[string]any{"source": []string{"aws.s3"}, "detail-type": []string{"Object Created"},
			"detail": map[string]any{"bucket": map[string]any{"name": []string{bucket}}, "object": map[string]any{"key": []map[string]string{{"prefix": prefix}}}}}))
	default:
		w.file("iam/bucket-notification.json", document(told("QueueConfigurations", "QueueArn", queue)))
	}
	fmt.Fprintf(&w.b, "```console\n$ aws s3api put-bucket-notification-configuration --bucket %s --notification-configuration file://bucket-notification.json\n", bucket)
	if o.Via == "eventbridge" {
		fmt.Fprintf(&w.b, "$ aws events put-rule --region %s --name yagura --event-pattern file://rule-pattern.json\n$ aws events put-targets --region %s --rule yagura --targets Id=yagura,Arn=%s\n", o.Region, o.Region, queue)
	}
	fmt.Fprint(&w.b, "```\n")
}

// topic writes who may send to the topic, and how it is subscribed.
func (w *initWriter) topic() {
	o := w.o
	bucket, _ := o.bucket()
	w.file("iam/topic-policy.json", NewSender("s3.amazonaws.com", "sns:Publish", o.topicARN(), "arn:aws:s3:::"+bucket, o.LogAccount).JSON())
	fmt.Fprintf(&w.b, "\n## %s %s (%s)\n\n```console\n", w.say("Topic", "トピック"), o.Topic, o.LogAccount)
	fmt.Fprintf(&w.b, "$ aws sns create-topic --region %s --name %s\n$ aws sns set-topic-attributes --region %s --topic-arn %s --attribute-name Policy --attribute-value file://topic-policy.json\n", o.Region, o.Topic, o.Region, o.topicARN())
	if o.has("sqs") && o.Via == "sns" {
		fmt.Fprintf(&w.b, "$ aws sns subscribe --region %s --topic-arn %s --protocol sqs --notification-endpoint arn:aws:sqs:%s:%s:%s\n", o.Region, o.topicARN(), o.Region, o.Account, o.Queue)
	}
	if o.has("sns") {
		fmt.Fprintf(&w.b, "$ aws sns subscribe --region %s --topic-arn %s --protocol https --notification-endpoint https://YOUR-SERVER/in/sns\n", o.Region, o.topicARN())
	}
	fmt.Fprint(&w.b, "```\n")
}
