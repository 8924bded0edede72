package decode

// Formats lists the log types that are recognised, in the order in which they are
// asked. No two of them take the same record (a test holds every fixture against
// every format), but for the last, "json", which takes whatever is left. A record made
// of the fields of two is of the one that is asked first.
//
// Each has a section in docs/formats.md. Adding one is one file, one golden in
// testdata/<name>/ and one line here.
func Formats() []*Format {
	return []*Format{
		cloudTrail,
		entraAudit,
		entraSignIn,
		entraRisk,
		azureActivity,
		m365Audit,
		gcpAudit,
		googleWorkspace,
		oktaSystem,
		githubAudit,
		kubernetesAudit,
		bitbucketAudit,
		oneLoginEvents,
		duoAdmin,
		duoAuth,
		duoActivity,
		githubWebhook,
		guardDuty,
		securityHub,
		ocsfFinding,
		falcoAlert,
		vpcFlow,
		elasticLoadBalancing,
		cloudFront,
		s3Access,
		// AWS and Google Cloud, in JSON.
		awsConfig,
		awsWAF,
		awsResolver,
		route53,
		awsInspector,
		awsAccessAnalyzer,
		awsMacie,
		gcpSCC,
		gcpAsset,
		gcpVPCFlow,
		gcpFirewall,
		gcpDNS,
		gcpLoadBalancer,
		gcpTransparency,
		workspaceAlert,
		// Microsoft and other services of others.
		entraProvisioning,
		microsoftGraph,
		azureResource,
		azureFlow,
		microsoftAlert,
		slackAudit,
		cloudflareAudit,
		cloudflareHTTP,
		cloudflareFirewall,
		cloudflareAccess,
		cloudflareGateway,
		cloudflareDNS,
		prowlerFinding,
		ocsfEvent,
		datadogTrail,
		cefEvent,
		leefEvent,
		syslogLine,
		generic,
	}
}
