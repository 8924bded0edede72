package notify

import (
	"regexp"
	"strings"

	"github.com/yagura-sec/yagura"
)

// EntryText is what a timeline's entry says, in a language. What people and logs wrote stays
// as it is; what Yagura wrote is in English in the store.
func EntryText(e *yagura.Entry, l Lang) string { return Words(l).entryText(e) }

func (v *Vocabulary) entryText(e *yagura.Entry) string {
	if v != &japanese {
		if e.What == yagura.EntryConcluded {
			return v.ConclusionWord(yagura.Conclusion(e.Text))
		}
		return e.Text
	}
	switch e.What {
	case yagura.EntryNote, yagura.EntryFinding, yagura.EntryOpened, yagura.EntryLabels:
		return e.Text
	case yagura.EntryConcluded:
		return v.ConclusionWord(yagura.Conclusion(e.Text))
	}
	if text, why, ok := strings.Cut(e.Text, " ("); ok && e.What == yagura.EntryFlapping {
		return v.sentence(text) + " (" + v.sentence(strings.TrimSuffix(why, ")")) + ")"
	}
	return v.sentence(e.Text)
}

// sentence says in Japanese what Yagura wrote, and leaves another text as it is.
func (v *Vocabulary) sentence(english string) string {
	for _, s := range sentences {
		if m := s.english.FindStringSubmatchIndex(english); m != nil {
			text := string(s.english.ExpandString(nil, s.japanese, english, m))
			return levels.ReplaceAllStringFunc(text, func(word string) string {
				sev, err := yagura.ParseSeverity(strings.Trim(word, "<>"))
				if err != nil {
					return word
				}
				return v.SeverityWord(sev)
			})
		}
	}
	return english
}

// levels are severities that a sentence marks to be put into words.
var levels = regexp.MustCompile(`<<(critical|high|medium|low|none)>>`)

// looked begins the end of an issue by two looks at the cloud: when, and what was asked.
const looked = `\Aasked again at (\S+) and (\S+): (\S+ \S+): `

// sentences are what Yagura itself writes on a timeline, and how it is said in Japanese.
var sentences = []struct {
	english  *regexp.Regexp
	japanese string
}{
	{regexp.MustCompile(`(?s)\Anot acknowledged within (\S+)\z`), "$1 以内に対応が開始されていません"},
	{regexp.MustCompile(`(?s)\Anot closed within (\S+)\z`), "$1 以内に完了していません"},
	{regexp.MustCompile(`\Aclosed by hand\z`), "手動で完了"},
	{regexp.MustCompile(`\Are-opened by hand\z`), "手動で再オープン"},
	{regexp.MustCompile(`\Anobody\z`), "担当者なし"},
	{regexp.MustCompile(`\Ayes, this was me\z`), "はい、私です"},
	{regexp.MustCompile(`\Ano, this was not me\z`), "いいえ、違います"},
	{regexp.MustCompile(`\Athe person concerned says that it was not them\z`), "本人の操作ではないとの回答"},
	{regexp.MustCompile(`\Aseverity ([a-z]+) → ([a-z]+): the person concerned says that it was not them\z`), "重大度 <<$1>> → <<$2>>: 本人の操作ではないとの回答"},
	{regexp.MustCompile(`(?s)\Aseverity ([a-z]+) → ([a-z]+)(.*)\z`), "重大度 <<$1>> → <<$2>>$3"},
	{regexp.MustCompile(`(?s)\Athe suppression has ended: (.*)\z`), "抑止が終了しました: $1"},
	{regexp.MustCompile(`(?s)\Athe suppression ends on (\S+): (.*)\z`), "抑止は $1 に終了します: $2"},
	{regexp.MustCompile(`(?s)\A(?:suppressed )?until (\S+): (.*)\z`), "$1 まで抑止: $2"},
	{regexp.MustCompile(`\Ano longer suppressed: the severity rose above what was known\z`), "重大度が上がったため、抑止を解除しました"},
	{regexp.MustCompile(`\Aopened ([0-9]+) times within ([0-9]+) hours: held open until it stays fixed for ([0-9]+) hours\z`), "$2 時間に $1 回発生したため、$3 時間修正された状態が続くまで完了にしません"},
	{regexp.MustCompile(`\Ait has stayed fixed for ([0-9]+) hours\z`), "$1 時間、修正された状態が続きました"},
	{regexp.MustCompile(`\Aits source had resolved it before it was known here\z`), "検知した時点で、検出元では解決済みでした"},
	{regexp.MustCompile(`\Ait was undone before it was known here\z`), "検知した時点で、すでに元に戻されていました"},
	{regexp.MustCompile(looked + `there is no such [a-z]+\z`), "$1 と $2 に再確認: $3: リソースは存在しません"},
	{regexp.MustCompile(looked + `it has no entry of all protocols (.*)\z`), "$1 と $2 に再確認: $3: 全プロトコルのエントリー $4 はありません"},
	{regexp.MustCompile(looked + `it has no entry (.*)\z`), "$1 と $2 に再確認: $3: エントリー $4 はありません"},
	{regexp.MustCompile(looked + `it is not shared with everybody\z`), "$1 と $2 に再確認: $3: 全員には共有されていません"},
	{regexp.MustCompile(looked + `it is not shared with (\S+)\z`), "$1 と $2 に再確認: $3: $4 には共有されていません"},
	{regexp.MustCompile(looked + `all four settings of its public access block are on\z`), "$1 と $2 に再確認: $3: パブリックアクセスブロックの 4 つの設定はすべて有効です"},
	{regexp.MustCompile(looked + `it has no policy\z`), "$1 と $2 に再確認: $3: バケットポリシーはありません"},
	{regexp.MustCompile(looked + `S3 holds its policy not to be public\z`), "$1 と $2 に再確認: $3: S3 の判定では、バケットポリシーは公開ではありません"},
	{regexp.MustCompile(`\Atold of by itself from now on\z`), "以後は個別に通知します"},
	{regexp.MustCompile(`\Aone of many new issues at once: told of by the umbrella issue (\S+)\z`), "同時に多数発生した課題の一つです。課題 $1 でまとめて通知します"},
	{regexp.MustCompile(`(?s)\Athe same actor, at the same time: (.*)\z`), "同じ実行者による、同じ時間帯の課題: $1"},
	{regexp.MustCompile(`\Aits source resolved it\z`), "検出元で解決されました"},
	{regexp.MustCompile(`(?s)\Athe counter-event was seen: (.*)\z`), "打ち消す操作を確認しました: $1"},
	{regexp.MustCompile(`\Aresolved at PagerDuty\z`), "PagerDuty で解決"},
	{regexp.MustCompile(`\Aclosed at GitHub\z`), "GitHub で完了"},
	{regexp.MustCompile(`\Are-opened at GitHub\z`), "GitHub で再オープン"},
	{regexp.MustCompile(`\Aclosed at GitHub as completed\z`), "GitHub で完了"},
	{regexp.MustCompile(`\Aclosed at GitHub as not_planned\z`), "GitHub で対応なしとして完了"},
}
