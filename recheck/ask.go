package recheck

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	ec2Version = "2016-11-15"
	rdsVersion = "2014-10-31"
)

// groupsAnswer is DescribeSecurityGroups: asked by the id of one group it names all entries
// at once and refuses an id that is not there, whereas a filter would answer nothing.
type groupsAnswer struct {
	XMLName xml.Name `xml:"DescribeSecurityGroupsResponse"`
	Groups  []struct {
		ID      string `xml:"groupId"`
		Owner   string `xml:"ownerId"`
		Entries *struct {
			List []groupPermission `xml:"item"`
		} `xml:"ipPermissions"`
	} `xml:"securityGroupInfo>item"`
	Next string `xml:"nextToken"`
}

type groupPermission struct {
	Protocol string   `xml:"ipProtocol"`
	From     *int     `xml:"fromPort"`
	To       *int     `xml:"toPort"`
	Networks []string `xml:"ipRanges>item>cidrIp"`
	Six      []string `xml:"ipv6Ranges>item>cidrIpv6"`
}

func groupEntry(r *Reader) ask {
	return func(ctx context.Context, t *Target) (State, string, error) {
		var out groupsAnswer
		err := r.query(ctx, t, "ec2", ec2Version, url.Values{"GroupId.1": {t.ID}}, &out)
		if gone(err, http.StatusBadRequest, "InvalidGroup.NotFound") {
			return Gone, "there is no such group", nil
		}
		if err != nil {
			return 0, "", err
		}
		return out.state(t)
	}
}

func (a *groupsAnswer) state(t *Target) (State, string, error) {
	if len(a.Groups) != 1 || a.Groups[0].ID != t.ID || a.Groups[0].Owner != t.Account || a.Groups[0].Entries == nil || a.Next != "" {
		return 0, "", fmt.Errorf("%w: it is not about the one group", errForm)
	}
	name := fmt.Sprintf("entry %s %d-%d %s", t.Protocol, t.From, t.To, t.Network)
	if t.Protocol == "-1" {
		name = fmt.Sprintf("entry of all protocols %s", t.Network)
	}
	found := false
	for _, p := range a.Groups[0].Entries.List {
		if p.Protocol == "" {
			return 0, "", fmt.Errorf("%w: an entry has no protocol", errForm)
		}
		same := protocol(p.Protocol) == t.Protocol
		if same && t.Protocol != "-1" {
			if p.From == nil || p.To == nil {
				return 0, "", fmt.Errorf("%w: an entry has no ports", errForm)
			}
			same = *p.From == t.From && *p.To == t.To
		}
		for _, n := range append(p.Networks, p.Six...) {
			network, err := netip.ParsePrefix(n)
			if err != nil {
				return 0, "", fmt.Errorf("%w: an entry has no network", errForm)
			}
			found = found || same && network.Masked() == t.Network
		}
	}
	if found {
		return Open, "it has the " + name, nil
	}
	return Fixed, "it has no " + name, nil
}

// sharedWith is one member of a list of whom something is shared with.
type sharedWith struct {
	User         string `xml:"userId"`
	Group        string `xml:"group"`
	Organization string `xml:"organizationArn"`
	Unit         string `xml:"organizationalUnitArn"`
}

type sharedList struct {
	List []sharedWith `xml:"item"`
}

// state looks for whom it is shared with; a member that names nobody is another form.
func (l *sharedList) state(id string, t *Target) (State, string, error) {
	if l == nil || id != t.ID {
		return 0, "", fmt.Errorf("%w: it is not about what was asked", errForm)
	}
	var with []string
	for _, s := range l.List {
		who := s.User + s.Group + s.Organization + s.Unit
		if who == "" {
			return 0, "", fmt.Errorf("%w: a member names nobody", errForm)
		}
		with = append(with, who)
	}
	return shared(with, t)
}

func shared(with []string, t *Target) (State, string, error) {
	who := t.With
	if who == "all" {
		who = "everybody"
	}
	if slices.Contains(with, t.With) {
		return Open, "it is shared with " + who, nil
	}
	return Fixed, "it is not shared with " + who, nil
}

func snapshotShare(r *Reader) ask {
	return func(ctx context.Context, t *Target) (State, string, error) {
		var out struct {
			XMLName xml.Name    `xml:"DescribeSnapshotAttributeResponse"`
			ID      string      `xml:"snapshotId"`
			With    *sharedList `xml:"createVolumePermission"`
		}
		err := r.query(ctx, t, "ec2", ec2Version, url.Values{"SnapshotId": {t.ID}, "Attribute": {"createVolumePermission"}}, &out)
		if gone(err, http.StatusBadRequest, "InvalidSnapshot.NotFound") {
			return Gone, "there is no such snapshot", nil
		}
		if err != nil {
			return 0, "", err
		}
		return out.With.state(out.ID, t)
	}
}

func imageShare(r *Reader) ask {
	return func(ctx context.Context, t *Target) (State, string, error) {
		var out struct {
			XMLName xml.Name    `xml:"DescribeImageAttributeResponse"`
			ID      string      `xml:"imageId"`
			With    *sharedList `xml:"launchPermission"`
		}
		err := r.query(ctx, t, "ec2", ec2Version, url.Values{"ImageId": {t.ID}, "Attribute": {"launchPermission"}}, &out)
		if gone(err, http.StatusBadRequest, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable") {
			return Gone, "there is no such image", nil
		}
		if err != nil {
			return 0, "", err
		}
		return out.With.state(out.ID, t)
	}
}

// attribute is one attribute of a snapshot of a database.
type attribute struct {
	Name   string `xml:"AttributeName"`
	Values *struct {
		List []string `xml:"AttributeValue"`
	} `xml:"AttributeValues"`
}

// restored looks for whom a snapshot may be restored by. The attribute is there with no
// values when it is nobody's.
func restored(id string, list []attribute, t *Target) (State, string, error) {
	for _, a := range list {
		if a.Name == "restore" && a.Values != nil && strings.EqualFold(id, t.ID) { // the service writes names in small letters
			return shared(a.Values.List, t)
		}
	}
	return 0, "", fmt.Errorf("%w: it does not say who may restore what was asked about", errForm)
}

func databaseShare(r *Reader) ask {
	return func(ctx context.Context, t *Target) (State, string, error) {
		var out struct {
			XMLName xml.Name    `xml:"DescribeDBSnapshotAttributesResponse"`
			ID      string      `xml:"DescribeDBSnapshotAttributesResult>DBSnapshotAttributesResult>DBSnapshotIdentifier"`
			List    []attribute `xml:"DescribeDBSnapshotAttributesResult>DBSnapshotAttributesResult>DBSnapshotAttributes>DBSnapshotAttribute"`
		}
		err := r.query(ctx, t, "rds", rdsVersion, url.Values{"DBSnapshotIdentifier": {t.ID}}, &out)
		if gone(err, http.StatusNotFound, "DBSnapshotNotFound", "DBSnapshotNotFoundFault") {
			return Gone, "there is no such snapshot", nil
		}
		if err != nil {
			return 0, "", err
		}
		return restored(out.ID, out.List, t)
	}
}

func clusterShare(r *Reader) ask {
	return func(ctx context.Context, t *Target) (State, string, error) {
		var out struct {
			XMLName xml.Name    `xml:"DescribeDBClusterSnapshotAttributesResponse"`
			ID      string      `xml:"DescribeDBClusterSnapshotAttributesResult>DBClusterSnapshotAttributesResult>DBClusterSnapshotIdentifier"`
			List    []attribute `xml:"DescribeDBClusterSnapshotAttributesResult>DBClusterSnapshotAttributesResult>DBClusterSnapshotAttributes>DBClusterSnapshotAttribute"`
		}
		err := r.query(ctx, t, "rds", rdsVersion, url.Values{"DBClusterSnapshotIdentifier": {t.ID}}, &out)
		if gone(err, http.StatusNotFound, "DBClusterSnapshotNotFoundFault", "DBClusterSnapshotNotFound") {
			return Gone, "there is no such snapshot", nil
		}
		if err != nil {
			return 0, "", err
		}
		return restored(out.ID, out.List, t)
	}
}

// bucket is the client for buckets of a target's region. Every call says whose the bucket
// is: a name that somebody else has by now is refused, and not taken for fixed.
func (r *Reader) bucket(t *Target) *s3.Client {
	cfg := r.As(t.Account)
	cfg.Region = t.Region
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		if r.Endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = &r.Endpoint, true
		}
	})
}

func accessBlock(r *Reader) ask {
	return func(ctx context.Context, t *Target) (State, string, error) {
		out, err := r.bucket(t).GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &t.ID, ExpectedBucketOwner: &t.Account})
		switch {
		case gone(err, http.StatusNotFound, "NoSuchBucket"):
			return Gone, "there is no such bucket", nil
		case gone(err, http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration"):
			return Open, "it has no public access block", nil
		case err != nil:
			return 0, "", err
		case out.PublicAccessBlockConfiguration == nil:
			return 0, "", errForm
		}
		c := out.PublicAccessBlockConfiguration
		for _, on := range []*bool{c.BlockPublicAcls, c.IgnorePublicAcls, c.BlockPublicPolicy, c.RestrictPublicBuckets} {
			if on == nil || !*on {
				return Open, "its public access block is not whole", nil
			}
		}
		return Fixed, "all four settings of its public access block are on", nil
	}
}

func policyStatus(r *Reader) ask {
	return func(ctx context.Context, t *Target) (State, string, error) {
		out, err := r.bucket(t).GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: &t.ID, ExpectedBucketOwner: &t.Account})
		switch {
		case gone(err, http.StatusNotFound, "NoSuchBucket"):
			return Gone, "there is no such bucket", nil
		case gone(err, http.StatusNotFound, "NoSuchBucketPolicy"):
			return Fixed, "it has no policy", nil
		case err != nil:
			return 0, "", err
		case out.PolicyStatus == nil || out.PolicyStatus.IsPublic == nil:
			return 0, "", errForm
		case *out.PolicyStatus.IsPublic:
			return Open, "S3 holds its policy to be public", nil
		}
		return Fixed, "S3 holds its policy not to be public", nil
	}
}
