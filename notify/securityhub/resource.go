package securityhub

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/yagura-sec/yagura"
)

var arnForm = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|aws|):(.+)$`)

// arnTypes names resource types by service and the first part of the resource.
var arnTypes = map[string]string{
	"iam/user": "AwsIamUser", "iam/role": "AwsIamRole", "iam/group": "AwsIamGroup", "iam/policy": "AwsIamPolicy",
	"ec2/instance": "AwsEc2Instance", "ec2/security-group": "AwsEc2SecurityGroup", "ec2/vpc": "AwsEc2Vpc",
	"ec2/subnet": "AwsEc2Subnet", "ec2/volume": "AwsEc2Volume", "ec2/network-interface": "AwsEc2NetworkInterface",
	"ec2/network-acl": "AwsEc2NetworkAcl", "lambda/function": "AwsLambdaFunction",
	"cloudtrail/trail": "AwsCloudTrailTrail", "kms/key": "AwsKmsKey", "rds/db": "AwsRdsDbInstance",
	"rds/cluster": "AwsRdsDbCluster", "rds/snapshot": "AwsRdsDbSnapshot", "dynamodb/table": "AwsDynamoDbTable",
	"secretsmanager/secret": "AwsSecretsManagerSecret", "eks/cluster": "AwsEksCluster", "ecs/cluster": "AwsEcsCluster",
	"ecr/repository": "AwsEcrRepository", "guardduty/detector": "AwsGuardDutyDetector",
}

// order is the order in which entities are listed: what was hit before who did it.
var order = []string{yagura.EntityResource, yagura.EntityHost, yagura.EntityKey, yagura.EntityRole, yagura.EntityUser,
	yagura.EntitySession, yagura.EntityServicePrincipal, yagura.EntityIP, yagura.EntityDomain, yagura.EntityAccount}

// resources lists an issue's entities, 1 to 32, and says how many are left out.
func resources(is *yagura.Issue, at place) (out []types.Resource, left int) {
	entities := slices.Clone(is.Entities)
	if is.Account != "" {
		entities = append(entities, yagura.Entity{Type: yagura.EntityAccount, ID: is.Account})
	}
	slices.SortStableFunc(entities, func(a, b yagura.Entity) int { return rank(a) - rank(b) })
	// The account that the issue is about always has a place.
	about := ""
	if accountID.MatchString(is.Account) {
		about = "AWS::::Account:" + is.Account
	}
	seen := map[string]bool{}
	for _, e := range entities {
		r := resource(e, at)
		id := *r.Id
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		room := maxResources
		if about != "" && !seen[about] {
			room--
		}
		if len(out) >= room {
			left++
			continue
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		out = append(out, resource(yagura.Entity{Type: yagura.EntityAccount, ID: at.account}, at))
	}
	return out, left
}

func rank(e yagura.Entity) int {
	if i := slices.Index(order, e.Type); i >= 0 {
		return i
	}
	return len(order)
}

func resource(e yagura.Entity, at place) types.Resource {
	id := shown(e.ID)
	r := types.Resource{Id: aws.String(cut(id, maxResourceID)), Type: aws.String("Other")}
	switch m := arnForm.FindStringSubmatch(id); {
	case e.Type == yagura.EntityAccount && accountID.MatchString(id):
		r.Id, r.Type = aws.String("AWS::::Account:"+id), aws.String("AwsAccount")
		r.Partition = types.Partition(partition(at.region))
	case m != nil:
		r.Partition = types.Partition(m[1])
		if 0 < len(m[3]) && len(m[3]) <= 16 {
			r.Region = aws.String(m[3])
		}
		if t := arnType(m[2], m[5]); t != "" {
			r.Type = aws.String(t)
			return r
		}
	}
	if *r.Type == "Other" {
		if t := shown(e.Type); t != "" {
			r.Details = &types.ResourceDetails{Other: map[string]string{"entity": cut(t, maxDetail)}}
		}
	}
	return r
}

func arnType(service, rest string) string {
	switch service {
	case "s3":
		if strings.Contains(rest, "/") {
			return "AwsS3Object"
		}
		return "AwsS3Bucket"
	case "sns":
		return "AwsSnsTopic"
	case "sqs":
		return "AwsSqsQueue"
	}
	kind := rest
	if i := strings.IndexAny(rest, "/:"); i >= 0 {
		kind = rest[:i]
	}
	return arnTypes[service+"/"+kind]
}
