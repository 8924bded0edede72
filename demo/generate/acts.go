package generate

import "time"

// Act is something that a person of the company did to an issue.
type Act struct {
	At time.Time
	// Who is the name that they sign in with.
	Who string
	// Rule is the title of the issue, Of a text that one of its entities, its account or its
	// cause holds; "" is any.
	Rule, Of string
	// What is the word of the change: acknowledge, close, comment, assign, label, suppress,
	// conclude, reopen.
	What string
	// Text is the comment or reason, Verdict the conclusion, To the assignee.
	Text, Verdict, To string
	Labels            []string
	Until             time.Time // of a suppression
}

// The people who work on issues.
const (
	sato   = "sato.misaki@" + domain
	tanaka = "tanaka.kenji@" + domain
	lopez  = "lopez.ana@" + domain
	ren    = "takahashi.ren@" + domain
	suzuki = "suzuki.daichi@" + domain
)

// Acts returns what the people did about what Yagura told them, in the order of time.
func (w *Week) Acts() []Act {
	at := func(hours float64) time.Time { return w.end.Add(-time.Duration(hours * float64(time.Hour))) }
	return []Act{
		// The first days: small things, most of which are what they seem.
		{At: at(149.2), Who: lopez, Rule: "Database snapshot shared outside the account", What: "acknowledge", To: lopez},
		{At: at(149), Who: lopez, Rule: "Database snapshot shared outside the account", What: "comment", Text: "Asked Yui: the auditor gets it until Thursday, ticket AUD-118. Watching for the revocation."},
		{At: at(145.1), Who: lopez, Rule: "User created in Entra ID", What: "close", Verdict: "benign", Text: "入社手続き (HR-204) で確認済み。"},
		{At: at(139), Who: sato, Rule: "S3 public access block removed or weakened", What: "acknowledge", To: sato},
		{At: at(138.6), Who: sato, Rule: "S3 public access block removed or weakened", What: "comment", Text: "伊藤さんに確認。キャンペーンページの検証用で、個人情報は置かれていない。終わったら戻すとのこと。"},
		{At: at(125), Who: suzuki, Rule: "Team changed", What: "close", Verdict: "benign", Text: "Support gets read access to the handbook, as agreed."},

		// The first story: the leaked key.
		{At: at(118.7), Who: tanaka, Rule: "Repository made public", What: "acknowledge", To: tanaka},
		{At: at(118.4), Who: tanaka, Rule: "Repository made public", What: "comment", Text: "吉田さんに連絡。テスト用リポジトリと取り違えて公開したとのこと。CI のキーが履歴に残っており、**漏洩**の可能性がある。"},
		{At: at(116.7), Who: tanaka, Rule: "AWS found an exposed access key", What: "acknowledge", To: tanaka},
		{At: at(116.5), Who: tanaka, Rule: "AWS found an exposed access key", What: "label", Labels: []string{"incident-2031", "leaked-key"}},
		{At: at(116.2), Who: tanaka, Rule: "AWS found an exposed access key", What: "comment", Text: "Quarantine policy is on `ci-legacy`. It still may do what the inline policy allows. Who owns this user? Platform says nobody."},
		{At: at(115.9), Who: tanaka, Rule: "Secret found in a repository", What: "close", Verdict: "true_positive", Text: "Repository is private again; the rest is in the issue about the exposed key."},
		{At: at(93.6), Who: sato, Rule: "Administrator policy attached", What: "acknowledge", To: sato},
		{At: at(93.3), Who: sato, Rule: "Administrator policy attached", What: "comment", Text: "`ci-legacy` の**権限**で svc-backup-02 が作られ、AdministratorAccess が付いている。変更申請なし。"},
		{At: at(93.2), Who: sato, Rule: "Administrator policy attached", What: "label", Labels: []string{"incident-2031"}},
		{At: at(92.6), Who: sato, Rule: "CloudTrail logging disabled", What: "acknowledge", To: tanaka},
		{At: at(91.8), Who: tanaka, Rule: "User svc-backup-02 is anomalously invoking S3 APIs.", What: "acknowledge", To: tanaka},
		{At: at(90.8), Who: tanaka, Rule: "CloudTrail logging disabled", What: "comment", Text: "Both keys are off, the user is deleted, the trail runs again. Gap of the data events: about two hours."},
		{At: at(90.5), Who: tanaka, Rule: "CloudTrail logging disabled", What: "close", Verdict: "true_positive", Text: "Trail started again, see incident-2031."},
		{At: at(90.3), Who: sato, Rule: "VPC flow logs deleted", What: "acknowledge", To: ren},
		{At: at(89.5), Who: sato, Rule: "User svc-backup-02 is anomalously invoking S3 APIs.", What: "comment", Text: "顧客データのエクスポート 420 件が外部 IP から取得された。個人情報保護委員会への報告要否を法務と**監査**チームで確認中。"},
		{At: at(89), Who: ren, Rule: "VPC flow logs deleted", What: "comment", Text: "terraform apply でフローログを復元しました。"},
		{At: at(88.5), Who: ren, Rule: "VPC flow logs deleted", What: "close", Verdict: "true_positive", Text: "restored by the pipeline"},
		{At: at(88), Who: tanaka, Rule: "IAM user created", What: "close", Verdict: "true_positive", Text: "svc-backup-02 is deleted; part of incident-2031"},
		{At: at(87.5), Who: tanaka, Rule: "Access key created for another user", What: "close", Verdict: "true_positive", Text: "key is inactive; part of incident-2031"},
		{At: at(70), Who: tanaka, Rule: "AWS found an exposed access key", What: "close", Verdict: "true_positive", Text: "ci-legacy is deleted, CI uses OIDC everywhere now."},

		// Between the stories.
		{At: at(99.5), Who: tanaka, Rule: "Root user signed in to the console with MFA", What: "close", Verdict: "benign", Text: "四半期ごとの請求先の確認。申請 CHG-77 あり。"},
		{At: at(96.2), Who: lopez, Rule: "Password of a user reset by somebody else", What: "close", Verdict: "benign", Text: "Help desk, after Chika called from her known number."},
		{At: at(80.6), Who: lopez, Rule: "Command run inside a pod", Of: "catalog", What: "close", Verdict: "benign", Text: "Haruka debugged the catalogue; agreed for working hours."},
		{At: at(76), Who: suzuki, Rule: "Branch protection removed or overridden", What: "acknowledge", To: suzuki},
		{At: at(75.5), Who: suzuki, Rule: "Branch protection removed or overridden", What: "close", Verdict: "accepted", Text: "Hotfix for the checkout outage, reviewed afterwards."},
		{At: at(74), Who: lopez, Rule: "Guest invited", What: "close", Verdict: "benign", Text: "The auditor of AUD-118."},

		// The third story: the miner.
		{At: at(70.8), Who: sato, Rule: "Remote administration port opened to the internet", What: "comment", Text: "山本さん、SSM セッションマネージャーを使ってください。0.0.0.0/0 の 22 番は検証環境でも禁止です。"},
		{At: at(63.2), Who: ren, Rule: "Credentials for the EC2 instance role batch-worker were used from an external IP address.", What: "acknowledge", To: ren},
		{At: at(62.5), Who: ren, Rule: "The EC2 instance i-0dead0beef0000001 is communicating with a mining pool.", What: "acknowledge", To: ren},
		{At: at(62.2), Who: ren, Rule: "The EC2 instance i-0dead0beef0000001 is communicating with a mining pool.", What: "comment", Text: "8 × g6.12xlarge in us-east-1, nobody of ours. Same address as the SSH session on the batch worker."},
		{At: at(58.8), Who: ren, Rule: "GPU or accelerator instances launched", What: "close", Verdict: "true_positive", Text: "All eight are terminated."},
		{At: at(58.5), Who: ren, Rule: "Credentials for the EC2 instance role batch-worker were used from an external IP address.", What: "close", Verdict: "true_positive", Text: "バッチサーバーを作り直し、IMDSv2 を必須にした。"},
		{At: at(58.2), Who: ren, Rule: "Credentials of an instance used from several addresses", What: "close", Verdict: "true_positive", Text: "same cause as GuardDuty's alert"},
		{At: at(54), Who: suzuki, Rule: "Route or gateway to the internet added", What: "close", Verdict: "accepted", Text: "By hand while the pipeline was down; imported into Terraform since."},

		// The second story, which is still open.
		{At: at(51.4), Who: lopez, Rule: "Wrong passwords for many users from one address", What: "acknowledge", To: lopez},
		{At: at(51), Who: lopez, Rule: "Wrong passwords for many users from one address", What: "comment", Text: "41 accounts, python-requests, one address. Blocked it in conditional access. No success that I can see yet."},
		{At: at(50.9), Who: lopez, Rule: "Wrong passwords for many users from one address", What: "label", Labels: []string{"spray"}},
		{At: at(27.5), Who: lopez, Rule: "MFA denied or not answered again and again", What: "acknowledge", To: lopez},
		{At: at(27.2), Who: lopez, Rule: "MFA denied or not answered again and again", What: "comment", Text: "Called Takumi, no answer. It is the night; tried the chat as well."},

		// The fourth story.
		{At: at(43.5), Who: sato, Rule: "Service account key created", What: "close", Verdict: "accepted", Text: "Arjun のノート PC 用。期限 2 週間で了承。"},
		{At: at(18.6), Who: tanaka, Rule: "Resource opened to everyone by IAM", What: "acknowledge", To: tanaka},
		{At: at(18.3), Who: tanaka, Rule: "Resource opened to everyone by IAM", What: "comment", Text: "The caller is the notebook's service account, from an address that is not ours. Asked the data team to close the bucket."},
		{At: at(15.5), Who: sato, Rule: "Resource opened to everyone by IAM", What: "comment", Text: "佐々木さんが非公開に戻した。学習データに個人情報が含まれるか**監査**ログで確認する。"},
		{At: at(6.4), Who: tanaka, Rule: "Drop and execute new binary in container", What: "assign", To: tanaka},
		{At: at(6.2), Who: tanaka, Rule: "Drop and execute new binary in container", What: "comment", Text: "Looking. Same address as the bucket of yesterday?"},
	}
}

// Member is somebody who may sign in to Yagura.
type Member struct{ Name, Display, Role, Lang string }

// Members returns those of the company who may, by the words of Yagura's roles.
func (w *Week) Members() []Member {
	out := []Member{}
	for _, m := range []struct{ name, role, lang string }{
		{"sato.misaki", "admin", "ja"}, {"tanaka.kenji", "responder", "ja"}, {"lopez.ana", "responder", "en"}, {"takahashi.ren", "responder", "ja"},
		{"suzuki.daichi", "responder", "ja"}, {"watanabe.yui", "analyst", "ja"}, {"singh.arjun", "analyst", "en"}, {"inoue.akari", "viewer", "ja"}, {"shimizu.kaori", "viewer", "ja"},
	} {
		p := w.company.byName[m.name]
		out = append(out, Member{Name: p.mail(), Display: p.display, Role: m.role, Lang: m.lang})
	}
	return out
}
