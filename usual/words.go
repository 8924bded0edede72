package usual

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Words says an answer in a sentence, in English or, for "ja", in Japanese.
func (a Answer) Words(lang string) string {
	if lang == "ja" {
		return a.japanese()
	}
	return a.english()
}

// phrases say of each dimension how a value is met, what several of them are called, and what
// peers did who have the value too.
var phrases = map[Dimension]struct{ met, many, peers, ja, jaMany string }{
	Network:  {"from %s", "from %d networks", "came from there", "%s からの", "%d 個のネットワーク"},
	Country:  {"from the country %s", "from %d countries", "came from there", "国 %s からの", "%d か国"},
	Agent:    {"with %s", "with %d agents", "used it", "%s による", "%d 種類のエージェント"},
	API:      {"calling %s", "with %d APIs", "called it", "API %s の", "%d 種類の API"},
	Hour:     {"at %s o'clock", "at %d hours of the day", "were active then", "%s 時台の", "1 日のうち %d 時間"},
	Weekday:  {"on a %s", "on %d days of the week", "were active then", "%s 曜日の", "%d 曜日"},
	Resource: {"on %s", "on %d resources", "touched it", "リソース %s への", "%d 個のリソース"},
	Region:   {"in %s", "in %d regions", "were active there", "リージョン %s での", "%d リージョン"},
	Account:  {"in the account %s", "in %d accounts", "were active there", "アカウント %s での", "%d アカウント"},
}

func (a Answer) english() string {
	p := phrases[a.Of]
	value := fmt.Sprintf(p.met, a.Value)
	if a.Unknown {
		return fmt.Sprintf("%s of %s cannot be told: there is no database for it", a.Of, a.Value)
	}
	b := a.Bounds.Filled()
	days := daysOf(b.Period)
	var parts []string
	switch {
	case a.First:
		parts = append(parts, fmt.Sprintf("first time %s in %d days", value, days))
	case a.Restless && a.Of == Hour:
		parts = append(parts, fmt.Sprintf("%s, but it is active around the clock", value))
	case a.Restless && a.Count == 0:
		parts = append(parts, fmt.Sprintf("first time %s, but new ones are usual: %s in the last %d days", value, number(int64(a.Fresh)), daysOf(b.Learning)))
	case a.Rare:
		parts = append(parts, fmt.Sprintf("rare: %s %s of %s events on %s in %d days, last on %s", value, number(a.Count), number(a.Total), plural(a.Days, "day"), days, day(a.Last)))
	case a.Learning && a.Count == 0:
		parts = append(parts, fmt.Sprintf("first time %s, but still learning", value))
	case a.Learning:
		parts = append(parts, fmt.Sprintf("still learning: %s %s of %s events", value, number(a.Count), number(a.Total)))
	default:
		parts = append(parts, fmt.Sprintf("usual: %s %s of %s events on %s in %d days", value, number(a.Count), number(a.Total), plural(a.Days, "day"), days))
	}
	switch {
	case a.Since.IsZero() && !a.LogSince.IsZero():
		parts = append(parts, "none of its events before says one")
	case a.Since.IsZero():
		parts = append(parts, "not known before")
	default:
		s := fmt.Sprintf("known since %s with %s on %s", day(a.Since), events(a.Total), plural(a.KnownDays, "day"))
		if a.Values > 0 {
			s += ", " + singular(fmt.Sprintf(p.many, a.Values), a.Values)
		}
		parts = append(parts, s)
		if a.Learning && a.LogSince.Equal(a.Since) {
			parts = append(parts, "the log itself is known since then")
		}
	}
	switch {
	case a.Peers == 1 && a.PeersWith == 0:
		parts = append(parts, "its one peer never did")
	case a.Peers == 1:
		parts = append(parts, "its one peer did too")
	case a.Peers > 1 && a.PeersWith == 0:
		parts = append(parts, fmt.Sprintf("none of its %s %s", plural(a.Peers, "peer"), p.peers))
	case a.Peers > 1:
		parts = append(parts, fmt.Sprintf("%s of its %s %s", number(int64(a.PeersWith)), plural(a.Peers, "peer"), p.peers))
	}
	return strings.Join(parts, "; ")
}

func (a Answer) japanese() string {
	p := phrases[a.Of]
	value := a.Value
	if a.Of == Weekday {
		value = map[string]string{"Mon": "月", "Tue": "火", "Wed": "水", "Thu": "木", "Fri": "金", "Sat": "土", "Sun": "日"}[value]
	}
	if a.Unknown {
		return fmt.Sprintf("%s は判定できません（データベースが設定されていません）", a.Value)
	}
	value = fmt.Sprintf(p.ja, value)
	b := a.Bounds.Filled()
	days := daysOf(b.Period)
	share := fmt.Sprintf("%s 件中 %s 件", number(a.Total), number(a.Count))
	var parts []string
	switch {
	case a.First:
		parts = append(parts, fmt.Sprintf("過去 %d 日間で初めて: %s活動", days, value))
	case a.Restless && a.Of == Hour:
		parts = append(parts, fmt.Sprintf("%s活動ですが、一日中活動しています", value))
	case a.Restless && a.Count == 0:
		parts = append(parts, fmt.Sprintf("%s活動は初めてですが、新しい値は通常のこと（直近 %d 日間で %s 件）", value, daysOf(b.Learning), number(int64(a.Fresh))))
	case a.Rare:
		parts = append(parts, fmt.Sprintf("まれ: %s活動は過去 %d 日間で%s、%d 日のみ（最後は %s）", value, days, share, a.Days, day(a.Last)))
	case a.Learning && a.Count == 0:
		parts = append(parts, fmt.Sprintf("学習中: %s活動は初めて", value))
	case a.Learning:
		parts = append(parts, fmt.Sprintf("学習中: %s活動は%s", value, share))
	default:
		parts = append(parts, fmt.Sprintf("通常: %s活動は過去 %d 日間で%s、%d 日", value, days, share, a.Days))
	}
	switch {
	case a.Since.IsZero() && !a.LogSince.IsZero():
		parts = append(parts, "これまでのイベントに該当の項目なし")
	case a.Since.IsZero():
		parts = append(parts, "これまでの記録なし")
	default:
		s := fmt.Sprintf("%s から記録あり（%d 日、%s 件", day(a.Since), a.KnownDays, number(a.Total))
		if a.Values > 0 {
			s += "、" + fmt.Sprintf(p.jaMany, a.Values)
		}
		parts = append(parts, s+"）")
		if a.Learning && a.LogSince.Equal(a.Since) {
			parts = append(parts, "ログ自体も同日から")
		}
	}
	if a.Peers > 0 {
		parts = append(parts, fmt.Sprintf("同種のエンティティ %d 件のうち該当は %d 件", a.Peers, a.PeersWith))
	}
	return strings.Join(parts, "。")
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func daysOf(d time.Duration) int { return max(int(d/(24*time.Hour)), 1) }

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return number(int64(n)) + " " + word + "s"
}

func events(n int64) string { return plural(int(n), "event") }

// singular makes "from 1 networks" say one network.
func singular(s string, n int) string {
	if n != 1 {
		return s
	}
	for _, w := range [][2]string{{"networks", "network"}, {"countries", "country"}, {"agents", "agent"}, {"APIs", "API"}, {"hours", "hour"}, {"resources", "resource"}, {"regions", "region"}, {"accounts", "account"}, {"on 1 days", "on 1 day"}} {
		s = strings.Replace(s, w[0], w[1], 1)
	}
	return s
}

// number writes a number with commas between thousands.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
