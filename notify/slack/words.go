package slack

import "github.com/yagura-sec/yagura/notify"

// words are the texts of this sink alone; what all sinks say is in [notify.Vocabulary].
type words struct {
	Shortened, OpenIssue, History, NewThread, HistoryLink             string
	AskLead, AskOnly, Answered, AnsweredYes, AnsweredNo, NotYours     string
	AnsweredBefore, AnswerClosed, AskNobody, BadButton                string
	Done, DoneBefore, NoSuchIssue, Failed, Unsigned                   string
	CloseTitle, SuppressTitle, Cancel, Reason, Until                  string
	ReasonHint, WantReason, WantConclusion, WantDate, PastDate, Later string
	Help, UnknownCommand, NothingFound, Found, Ambiguous, WantID      string
	BadDuration, Muted, CommandFailed                                 string
}

var texts = map[notify.Lang]*words{notify.English: &english, notify.Japanese: &japanese}

var english = words{
	Shortened: "Shortened: the rest is in Yagura.", OpenIssue: "Open issue", History: "Earlier messages",
	NewThread:   "The first message of this issue's thread is gone, so it goes on here.",
	HistoryLink: "The history is in the old thread",
	AskLead:     "Yagura saw this in the logs, done in your name. Was this you?",
	AskOnly:     "Only your answer counts. If in doubt, answer no: your security team will look into it.",
	Answered:    "Thank you. Your answer was taken down: %s.", AnsweredYes: "this was you", AnsweredNo: "this was not you",
	NotYours:       "This question is for somebody else, so your answer does not count.",
	AnsweredBefore: "This question was answered before; the first answer stands.",
	AnswerClosed:   "The issue is closed already; your answer is in its timeline.",
	AskNobody:      "Nobody could be asked: %s was not found at Slack, or cannot get messages.",
	BadButton:      "This button is not valid any more.",
	Done:           "Done. The message follows in a moment.", DoneBefore: "This was done before.",
	NoSuchIssue: "Yagura does not know this issue (any more).",
	Failed:      "Yagura could not take this down. Please try again.", Unsigned: "This request is not from Slack.",
	CloseTitle: "Close issue", SuppressTitle: "Suppress issue", Cancel: "Cancel", Reason: "Reason", Until: "Until the end of",
	ReasonHint: "It stands in the issue's timeline.",
	WantReason: "Please give a reason.", WantConclusion: "Please choose a conclusion.", WantDate: "Please choose a day.",
	PastDate: "Please choose a day from today on.", Later: "At most a year from now.",
	Help: "*Yagura*\n" +
		"• `/yagura <text or id>` looks issues up\n" +
		"• `/yagura list [high|open|mine]` lists issues: of a severity and above, with a status, or assigned to you\n" +
		"• `/yagura mute <id> <duration> <reason>` suppresses an issue, for example `/yagura mute 01JD 3d planned work`\n" +
		"• `/yagura help`",
	UnknownCommand: "I do not know this list. It may be open, acknowledged, closed, mine, critical, high, medium, low or none.",
	NothingFound:   "Nothing was found.", Found: "%d found", Ambiguous: "%d issues begin like this. Please give more of the id.",
	WantID:      "Please give the id of an issue, a duration and a reason: `/yagura mute <id> <duration> <reason>`",
	BadDuration: "The duration is not valid: 30m, 12h, 3d or 2w, at most 366d.",
	Muted:       "%s is suppressed until %s.", CommandFailed: "Yagura could not answer. Please try again.",
}

var japanese = words{
	Shortened: "長いため省略しました。続きは Yagura で確認できます。", OpenIssue: "課題を開く", History: "以前のメッセージ",
	NewThread:   "この課題のスレッドの最初のメッセージが見つからないため、ここから続けます。",
	HistoryLink: "これまでの経緯は元のスレッドにあります",
	AskLead:     "あなたの名義で行われた次の操作がログに記録されています。これはあなたの操作ですか？",
	AskOnly:     "回答できるのはあなただけです。心当たりがなければ「いいえ」を選んでください。セキュリティ担当が確認します。",
	Answered:    "ありがとうございます。回答を記録しました: %s", AnsweredYes: "自分の操作である", AnsweredNo: "自分の操作ではない",
	NotYours:       "この質問は別の方宛てのため、あなたの回答は記録されません。",
	AnsweredBefore: "この質問には回答済みです。最初の回答が有効です。",
	AnswerClosed:   "この課題はすでに完了しています。回答はタイムラインに記録しました。",
	AskNobody:      "本人に確認できませんでした: %s が Slack に見つからないか、メッセージを受け取れません。",
	BadButton:      "このボタンは無効です。",
	Done:           "受け付けました。メッセージはまもなく更新されます。", DoneBefore: "すでに反映されています。",
	NoSuchIssue: "この課題は Yagura にありません。",
	Failed:      "記録できませんでした。もう一度お試しください。", Unsigned: "Slack からの要求ではありません。",
	CloseTitle: "課題を完了にする", SuppressTitle: "通知を抑止する", Cancel: "キャンセル", Reason: "理由", Until: "この日の終わりまで",
	ReasonHint: "課題のタイムラインに残ります。",
	WantReason: "理由を入力してください。", WantConclusion: "結論を選んでください。", WantDate: "日付を選んでください。",
	PastDate: "今日以降の日付を選んでください。", Later: "1 年以内の日付を選んでください。",
	Help: "*Yagura*\n" +
		"• `/yagura <文字列または ID>` 課題を検索します\n" +
		"• `/yagura list [high|open|mine]` 課題を一覧します（重大度以上、状態、自分の担当）\n" +
		"• `/yagura mute <ID> <期間> <理由>` 課題の通知を抑止します。例: `/yagura mute 01JD 3d 計画作業`\n" +
		"• `/yagura help`",
	UnknownCommand: "この一覧はありません。open、acknowledged、closed、mine、critical、high、medium、low、none のいずれかを指定してください。",
	NothingFound:   "見つかりませんでした。", Found: "%d 件", Ambiguous: "%d 件が該当します。ID をもう少し長く指定してください。",
	WantID:      "課題の ID、期間、理由を指定してください: `/yagura mute <ID> <期間> <理由>`",
	BadDuration: "期間が正しくありません: 30m、12h、3d、2w のように、366d 以内で指定してください。",
	Muted:       "%s の通知を %s まで抑止しました。", CommandFailed: "回答できませんでした。もう一度お試しください。",
}
