// Package coverage says what a set of rules covers: the techniques of MITRE ATT&CK,
// or the controls of a standard, by the tags of the rules (attack.t1562.008,
// nist-800-53.ac-6, cis-aws.4.5, pci-dss.10.2).
//
// It reads tags and nothing else: a rule without tags covers nothing here, and a
// tag is believed. It knows no list of all techniques, so it names what is covered
// and not what is missing.
//
// A worked example:
//
//	rows := coverage.Table(rules)
//	for _, r := range rows {
//		fmt.Println(r.ID, len(r.Rules), r.Formats) // T1562.008 8 [aws.cloudtrail gcp.audit]
//	}
//	err := coverage.Navigator(os.Stdout, "Yagura", rules)
package coverage
