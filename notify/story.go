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
	for _, s := range sentences {
		if m := s.english.FindStringSubmatchIndex(e.Text); m != nil {
			text := string(s.english.ExpandString(nil, s.japanese, e.Text, m))
			return levels.ReplaceAllStringFunc(text, func(word string) string {
				sev, err := yagura.ParseSeverity(strings.Trim(word, "<>"))
				if err != nil {
					return word
				}
				return v.SeverityWord(sev)
			})
		}
	}
	return e.Text
}

// levels are severities that a sentence marks to be put into words.
var levels = regexp.MustCompile(`<<(critical|high|medium|low|none)>>`)

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
