package hunts

// Workbook is a named set of hunts that are asked together.
type Workbook struct {
	Name     string
	En, Ja   string // title
	Required string // the parameter that all need, "" for none
	Hunts    []string
}

// Workbooks lists the workbooks. They are fixed: what a team asks together it saves as
// hunts of its own.
func Workbooks() []Workbook {
	return []Workbook{
		{"network", "Network: who talks to whom, what is denied, which names are asked for", "ネットワーク: 通信相手、拒否、名前解決", "",
			[]string{"vpc-top-talkers", "vpc-denied", "dns-rare-domains", "dns-failures", "security-groups-open", "bucket-egress"}},
		{"user", "User: everything about one identity", "ユーザー: 一つの主体のすべて", "who",
			[]string{"actions-summary", "actions-of-an-identity"}},
		{"iam-changes", "IAM changes: rights, keys and trusts", "IAM の変更: 権限、キー、信頼関係", "",
			[]string{"iam-changes", "access-keys-created", "role-assignments-by-hand", "azure-role-assignments", "gcp-iam-changes", "service-principals-with-new-credentials", "consent-grants", "workspace-admin-changes", "okta-admins-granted"}},
		{"sign-ins", "Sign-ins: from where, by what, and which failed", "サインイン: 接続元、クライアント、失敗", "",
			[]string{"sign-ins-by-country", "sign-ins-by-network", "sign-ins-by-agent", "failed-then-successful-sign-ins", "password-spray", "legacy-sign-ins", "console-sign-ins", "console-sign-ins-without-mfa", "root-activity"}},
		{"waf", "Web application firewall: rules, addresses, paths", "WAF: ルール、アドレス、パス", "",
			[]string{"waf-top-blocked", "waf-top-addresses"}},
		{"cost", "Cost: what begins spending, and who does the most", "費用: 支出につながる操作と活動の多い主体", "",
			[]string{"costly-calls", "busiest-identities", "bucket-egress", "vpc-top-talkers"}},
	}
}
