// Package coverage says what a set of rules covers: the techniques of MITRE ATT&CK,
// or the controls of a standard, by the tags of the rules (attack.t1562.008,
// nist-800-53.ac-6, cis-aws.4.5, pci-dss.10.2).
//
// It reads tags and nothing else: a rule without tags covers nothing here, and a
// tag is believed. Of ATT&CK it holds the techniques of clouds, software as a service,
// identity providers, office suites and containers ([Matrix]), so that it can say what
// is missing: a rule, or the logs that rules would need ([Cloud]).
//
// A worked example:
//
//	rows := coverage.Table(rules)
//	for _, r := range rows {
//		fmt.Println(r.ID, len(r.Rules), r.Formats) // T1562.008 8 [aws.cloudtrail gcp.audit]
//	}
//	err := coverage.Navigator(os.Stdout, "Yagura", rules)
package coverage
