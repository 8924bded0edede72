package notify

import (
	"testing"

	"github.com/yagura-sec/yagura"
)

// TestEntryText: what Yagura wrote on a timeline is said in Japanese, what others wrote stays.
func TestEntryText(t *testing.T) {
	const (
		asked    = "asked again at 2026-12-01T00:00:00Z and 2026-12-01T00:10:00Z: "
		answered = "2026-12-01T00:00:00Z と 2026-12-01T00:10:00Z に再確認: "
	)
	for _, c := range []struct {
		what     yagura.EntryKind
		text     string
		japanese string
	}{
		{yagura.EntryOverdue, "not acknowledged within 15m", "15m 以内に対応が開始されていません"},
		{yagura.EntryClosed, "closed by hand", "手動で完了"},
		{yagura.EntryClosed, "the trail is on again", "the trail is on again"},
		{yagura.EntryNote, "closed by hand", "closed by hand"},
		{yagura.EntryLabels, "+ nobody", "+ nobody"},
		{yagura.EntrySeverity, "severity medium → high: the person concerned says that it was not them", "重大度 中 → 高: 本人の操作ではないとの回答"},
		{yagura.EntrySeverity, "severity high → critical: prod: a reason", "重大度 高 → 緊急: prod: a reason"},
		{yagura.EntrySuppressed, "until 2026-12-01T00:00:00Z: known work\nof ours", "2026-12-01T00:00:00Z まで抑止: known work\nof ours"},
		{yagura.EntrySuppressed, "suppressed until 2026-12-01T00:00:00Z: CHG-12", "2026-12-01T00:00:00Z まで抑止: CHG-12"},
		{yagura.EntryConcluded, "benign", "問題なし"},
		{yagura.EntryStorm, "told of by itself from now on", "以後は個別に通知します"},
		{yagura.EntryClosed, asked + "ec2:DescribeSecurityGroups sg-1: it has no entry tcp 22-22 0.0.0.0/0",
			answered + "ec2:DescribeSecurityGroups sg-1: エントリー tcp 22-22 0.0.0.0/0 はありません"},
		{yagura.EntryClosed, asked + "ec2:DescribeSecurityGroups sg-1: it has no entry of all protocols ::/0", answered + "ec2:DescribeSecurityGroups sg-1: 全プロトコルのエントリー ::/0 はありません"},
		{yagura.EntryClosed, asked + "ec2:DescribeSnapshotAttribute snap-1: there is no such snapshot", answered + "ec2:DescribeSnapshotAttribute snap-1: リソースは存在しません"},
		{yagura.EntryClosed, asked + "ec2:DescribeImageAttribute ami-1: it is not shared with everybody", answered + "ec2:DescribeImageAttribute ami-1: 全員には共有されていません"},
		{yagura.EntryClosed, asked + "rds:DescribeDBSnapshotAttributes d: it is not shared with 444455556666",
			answered + "rds:DescribeDBSnapshotAttributes d: 444455556666 には共有されていません"},
		{yagura.EntryClosed, asked + "s3:GetBucketPublicAccessBlock b: all four settings of its public access block are on",
			answered + "s3:GetBucketPublicAccessBlock b: パブリックアクセスブロックの 4 つの設定はすべて有効です"},
		{yagura.EntryClosed, asked + "s3:GetBucketPolicyStatus b: it has no policy", answered + "s3:GetBucketPolicyStatus b: バケットポリシーはありません"},
		{yagura.EntryFlapping, "opened 4 times within 24 hours: held open until it stays fixed for 6 hours (" + asked + "s3:GetBucketPolicyStatus b: S3 holds its policy not to be public)",
			"24 時間に 4 回発生したため、6 時間修正された状態が続くまで完了にしません (" + answered + "s3:GetBucketPolicyStatus b: S3 の判定では、バケットポリシーは公開ではありません)"},
		{yagura.EntryAnswer, "yes, this was me", "はい、私です"},
	} {
		e := &yagura.Entry{What: c.what, Text: c.text}
		if got := EntryText(e, Japanese); got != c.japanese {
			t.Errorf("%s %q: %q, want %q", c.what, c.text, got, c.japanese)
		}
		want := c.text
		if c.what == yagura.EntryConcluded {
			want = "benign"
		}
		if got := EntryText(e, English); got != want {
			t.Errorf("%q became %q", c.text, got)
		}
	}
}

// TestOpWord: what our own findings say of themselves has Japanese words.
func TestOpWord(t *testing.T) {
	for _, op := range []string{"cannot be decoded", "cannot be read", "cannot be filed", "not understood", "stopped a rule", "not allowed by", "group-by", "within",
		"occurs", "not occurs", "more", "says", "was there with other content", "was there before with other content"} {
		if got := Words(Japanese).OpWord(op); got == op {
			t.Errorf("%q has no Japanese words", op)
		}
	}
}
