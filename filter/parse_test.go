package filter

import (
	"errors"
	"strings"
	"testing"
)

// TestParse: what is written is read as the canonical form beside it.
func TestParse(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		q, err := Parse(Issues, text)
		if err != nil {
			t.Errorf("%s\n%v", text, err)
			return
		}
		if got := q.String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	same := func(text string) { t.Helper(); f(text, text) }
	f("", "")
	f(" \t\n　", "")
	same(`severity:>=high status:open account:1234 rule:"Root sign-in" seen:<24h "free text" -label:known`)
	f(`sev:>=高 状況:未対応 アカウント:1234`, `severity:>=high status:open account:1234`)
	// Input methods.
	f(`重大度：緊急、高　状態：対応中`, `severity:critical,high status:acknowledged`)
	f(`ｓｅｖｅｒｉｔｙ：＞＝ｈｉｇｈ`, `severity:>=high`)
	f(`重大度：≧中 件数：≦５`, `severity:>=medium count:<=5`)
	f(`題名：「権限の昇格」 “監査 ログ” ”漏洩 か” 『x y』`, `title:権限の昇格 "監査 ログ" "漏洩 か" "x y"`)
	f(`－ラベル：既知`, `-label:既知`)
	f(`発生日時：２０２６/０５/０１〜２０２６/０５/０７`, `opened:2026-05-01..2026-05-07`)
	f(`最終検出:昨日 初回検出:<3日 opened:>2週間`, `seen:yesterday first:<3d opened:>2w`)
	f(`rule:＊console＊`, `rule:*console*`)
	// Words and flags.
	f(`status:Open,CLOSED suppressed:true flapping:いいえ`, `status:open,closed suppressed:yes flapping:no`)
	f(`severity:none assignee:none -closed:* conclusion:none`, `severity:none assignee:none -closed:* conclusion:none`)
	f(`assignee:me assignee:自分 assignee:"me" owner:me`, `assignee:me assignee:me assignee:"me" owner:me`)
	f(`assignee:"none" title:"*"`, `assignee:"none" title:"*"`)
	// Numbers.
	f(`count:5 count:>5 count:>=1k count:1..9 count:..9 count:5.. count:=3`, `count:5 count:>5 count:>=1000 count:1..9 count:<=9 count:>=5 count:3`)
	f(`severity:low..high severity:<high,none count>5 severity>=high status=open`, `severity:low..high severity:<high,none count:>5 severity:>=high status:open`)
	// Times.
	same(`seen:24h seen:<90m seen:>=7d seen:7d..24h seen:today seen:2026-05-01T10:00 seen:2026-05 seen:2026`)
	f(`seen:"2026-05-01 10:00" seen:2026-05-01T10:00:05.25+0900 seen:"2026-05-01 10:00".."2026-05-01 11:00" seen:2026-05-01T01:02z`,
		`seen:2026-05-01T10:00 seen:2026-05-01T10:00:05.25+09:00 seen:2026-05-01T10:00..2026-05-01T11:00 seen:2026-05-01T01:02Z`)
	f(`seen:24h.. seen:..24h seen:2026-05-01.. seen:..now`, `seen:<=24h seen:>=24h seen:>=2026-05-01 seen:<=now`)
	// Entities and addresses.
	same(`entity:user=alice entity:arn:aws:iam::123456789012:user/alice entity:"user=alice" entity:user="Mary Smith" entity:ip=203.0.113.*`)
	f(`entity:利用者=alice entity:CN=root`, `entity:user=alice entity:"CN=root"`)
	f(`ip:203.0.113.9/24 ip:2001:DB8::1 ip:203.0.113.* ip:cloudtrail.amazonaws.com ip:::ffff:10.0.0.1`,
		`ip:203.0.113.0/24 ip:2001:db8::1 ip:203.0.113.* ip:cloudtrail.amazonaws.com ip:10.0.0.1`)
	// Texts.
	same(`rule:\** rule:*\* title:*`)
	same(`rule:Root* rule:Root\ sign*\,x rule:a\*b*`)
	f(`account:CORP\alice account:a\\b`, `account:"CORP\\alice" account:"a\\b"`)
	f(`rule:"a \"b\" \\ \c"`, `rule:"a \"b\" \\ \\c"`)
	f(`rule:'it is' rule:it's "it's"`, `rule:"it is" rule:"it's" it's`)
	f(`*root* foo, a,b 10:30 arn:aws:iam::1:user/x https://x.example/?q=1 fe80::1 x=1`,
		`root foo, a,b "10:30" "arn:aws:iam::1:user/x" "https://x.example/?q=1" "fe80::1" "x=1"`)
	f(`s3://b/k sha256:ab12 system:serviceaccount:ns:n`, `"s3://b/k" "sha256:ab12" "system:serviceaccount:ns:n"`)
	f(`* -x -"y z" --z`, `-x -"y z" -"-z"`)
	f(`technique:t1078 format:aws`, `technique:t1078 format:aws`)
}

// TestFaults: all that is wrong with a text is said at once, each at its place.
func TestFaults(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		q, err := Parse(Issues, text)
		if err == nil {
			t.Errorf("%s\nwas read as %s", text, q)
			return
		}
		if got := err.Error(); got != strings.Join(want, "; ") {
			t.Errorf("%s\n got %s\nwant %s", text, got, strings.Join(want, "; "))
		}
	}
	f(`severity:>=hihg`, `1:12: "hihg" is no severity: want critical, high, medium, low or none (hint: did you mean high?)`)
	f(`sevrity:high status:opn`,
		`1:1: issues cannot be asked by "sevrity" (hint: did you mean severity:?)`,
		`1:21: "opn" is no status: want open, acknowledged, closed or reopened (hint: did you mean open?)`)
	f(`status:opn,closed,"x y",clsed sev:hihg..`,
		`1:8: "opn" is no status: want open, acknowledged, closed or reopened (hint: did you mean open?)`,
		`1:19: "x y" is no status: want open, acknowledged, closed or reopened`,
		`1:25: "clsed" is no status: want open, acknowledged, closed or reopened (hint: did you mean closed?)`,
		`1:35: "hihg" is no severity: want critical, high, medium, low or none (hint: did you mean high?)`)
	f(`entity:user=,"a b" foo:"a b",c:d x`,
		`1:8: a value of entity is empty: want an id, or type=id`,
		`1:20: issues cannot be asked by "foo" (hint: put it in quotes to look for it as text)`)
	f(`status:`, `1:8: a value of status is missing: want open, acknowledged, closed or reopened`)
	f(`status: open`, `1:8: a value of status is missing: want open, acknowledged, closed or reopened (hint: there is no space before a value)`)
	f(`status:open,`, `1:13: a value of status is missing: want open, acknowledged, closed or reopened`)
	f(`status:>open`, `1:8: status cannot be compared (hint: leave out < and >)`)
	f(`status:-closed`, `1:8: "-closed" is no status: want open, acknowledged, closed or reopened (hint: did you mean -status:closed?)`)
	f(`title:"abc`, `1:7: the quotes are not closed`)
	f(`title:"abc"def`, `1:12: a space or a comma is missing after the quotes`)
	f(`seen:yesterda`, `1:6: "yesterda" is no time: want a date, a time or how long ago: 2026-05-01, today, <24h, 2026-05-01..2026-05-07 (hint: did you mean yesterday?)`)
	f(`seen:2026-13-01 seen:2026-05-07..2026-05-01`,
		`1:6: "2026-13-01" is no time: want a date, a time or how long ago: 2026-05-01, today, <24h, 2026-05-01..2026-05-07`,
		`1:22: the range ends before it begins (hint: turn it round)`)
	f(`ip:10.0.0 ip:10.0.0.0/33`,
		`1:4: "10.0.0" is no address: want an address or a block, 203.0.113.7 or 203.0.113.0/24 (hint: for the beginning of one write 203.0.113.*)`,
		`1:14: "10.0.0.0/33" is no address: want an address or a block, 203.0.113.7 or 203.0.113.0/24 (hint: for the beginning of one write 203.0.113.*)`)
	f(`count:x count:9..1 count:.. count:*5`,
		`1:7: "x" is no number: want a number, >5 or 1..9`,
		`1:15: the range ends before it begins (hint: turn it round)`,
		`1:26: a range has an end: want a number, >5 or 1..9`,
		`1:35: count has no values with a *: want a number, >5 or 1..9`)
	f(`a AND b OR c NOT (status:open)`,
		`1:3: all terms must hold anyway (hint: leave out AND)`,
		`1:9: alternatives are the values of one field (hint: write them with commas: status:open,acknowledged)`,
		`1:14: what must not be has a - before it (hint: -status:closed)`,
		`1:18: there are no brackets and no ! in a query (hint: all terms must hold; - before one turns it round, commas are between alternatives)`)
	f(`foo:https://x`, `1:1: issues cannot be asked by "foo" (hint: put it in quotes to look for it as text)`)
	f(`foo:bar`, `1:1: issues cannot be asked by "foo" (hint: put it in quotes to look for it as text)`)
	f(`- x`, `1:1: a - stands before what must not be (hint: put what you look for in quotes)`)
	f(`""`, `1:1: there is nothing in the quotes`)
	f(`a*b`, `1:1: free text has no * within (hint: write two words, or put it in quotes)`)
	f("\xff", `1:1: this is not UTF-8`)
}

// TestFaultsJapanese: the same is said in Japanese.
func TestFaultsJapanese(t *testing.T) {
	_, err := Parse(Issues, "重大度：高い\n  状況：未対 発生日時：きのう sevrity:x")
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	const want = `1:5: 重大度に「高い」はありません。緊急、高、中、低、対応不要のどれかを書いてください（ヒント: 高 ですか？）; ` +
		`2:6: 状況に「未対」はありません。未対応、対応中、完了、再オープンのどれかを書いてください（ヒント: 未対応 ですか？）; ` +
		`2:14: 「きのう」は日時ではありません。日付、時刻、または何時間・何日前か（2026-05-01、today、<24h、2026-05-01..2026-05-07）を書いてください; ` +
		`2:18: 課題に「sevrity」という項目はありません（ヒント: severity: ですか？）`
	if got := e.In(true); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for _, x := range e.Faults {
		if x.Start >= x.End {
			t.Errorf("no place: %+v", x)
		}
	}
}

// TestBounds: what is too much is refused where it begins to be.
func TestBounds(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got := ""
		if _, err := Parse(Issues, text); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.40s…: %.300s, want %s", text, got, want)
		}
	}
	f(strings.Repeat("a", MaxText), "")
	f(strings.Repeat("a", MaxText+1), "1:4097: a query has at most 4096 bytes, this one has 4097")
	f(strings.Repeat("a ", MaxTerms), "")
	f(strings.Repeat("a ", MaxTerms+5), "1:129: a query has at most 64 terms")
	f("label:"+strings.Repeat("a,", MaxValues-1)+"a", "")
	f("x label:"+strings.Repeat("a,", MaxValues-1)+"a", "1:3: a query has at most 256 values")
	if _, err := Parse(Issues, strings.Repeat("x:y ", 500)); len(err.(*Error).Faults) != maxFaults {
		t.Errorf("%d faults", len(err.(*Error).Faults))
	}
}
