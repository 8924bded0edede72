package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/app"
)

// printSummary says on stderr what a run did. rules is nil for a run without any.
func printSummary(s *screen, sum *app.Summary, rules *app.Rules, ja bool) {
	say := func(english, japanese string, args ...any) { s.line(fmt.Sprintf(in(ja, english, japanese), args...)) }
	if sum.Interrupted {
		say("interrupted: this is what was found until then", "中断しました。ここまでの結果です")
	}
	seconds := max(sum.Elapsed.Seconds(), 0.001)
	unpacked := ""
	if sum.BytesLogs > sum.BytesRead {
		unpacked = fmt.Sprintf(in(ja, " (%s unpacked)", " (展開後 %s)"), bytesText(sum.BytesLogs))
	}
	say("%s, %s%s, %s in %s (%s/s)", "ファイル %s、%s%s、イベント %s、%s (%s 件/秒)",
		count(ja, sum.Objects, "file", "files", "件"), bytesText(sum.BytesRead), unpacked, count(ja, sum.Events, "event", "events", "件"),
		sum.Elapsed.Round(time.Millisecond), thousands(uint64(float64(sum.Events)/seconds)))
	if len(sum.Formats) > 0 {
		names := slices.SortedFunc(maps.Keys(sum.Formats), func(a, b string) int {
			return cmp.Or(-cmp.Compare(sum.Formats[a], sum.Formats[b]), cmp.Compare(a, b))
		})
		parts := make([]string, len(names))
		for i, n := range names {
			parts[i] = fmt.Sprintf("%s %s", n, thousands(sum.Formats[n]))
		}
		s.line("  " + strings.Join(parts, " · "))
	}
	var notes []string
	note := func(n uint64, one, many, japanese string) {
		switch {
		case n == 0:
		case ja:
			notes = append(notes, fmt.Sprintf(japanese, thousands(n)))
		default:
			notes = append(notes, count(ja, n, one, many, ""))
		}
	}
	note(sum.Repeats, "repeat dropped", "repeats dropped", "重複 %s 件を除外")
	note(sum.Conflicts, "event with a known id and other content", "events with a known id and other content", "同じ ID で内容が異なるイベント %s 件")
	note(sum.Broken, "broken record", "broken records", "壊れたレコード %s 件")
	note(uint64(sum.Unsupported), "file not read, since it is no known log", "files not read, since they are no known logs", "既知のログではないため読まなかったファイル %s 件")
	note(uint64(sum.Unreadable), "unreadable", "unreadable", "読み込めなかったもの %s 件")
	note(sum.TooOld, "event before --since", "events before --since", "--since より前のイベント %s 件")
	note(sum.Forgotten, "key did not fit the memory of repeats", "keys did not fit the memory of repeats", "重複判定の記憶領域に収まらなかったキー %s 件")
	note(uint64(sum.Windows.NoTime), "match without a time is in no window", "matches without a time are in no window", "時刻がないためウィンドウで数えられなかった一致 %s 件")
	note(uint64(sum.Windows.NoGroup), "match without a group-by field is in no window", "matches without a group-by field are in no window", "group-by のフィールドがないためウィンドウで数えられなかった一致 %s 件")
	note(uint64(sum.Windows.NoValue), "match without a value is in no window", "matches without a value are in no window", "値がないためウィンドウで数えられなかった一致 %s 件")
	note(uint64(sum.Windows.Cut+sum.Windows.Trimmed), "match beyond the bounds of windows", "matches beyond the bounds of windows", "ウィンドウの上限を超えた一致 %s 件")
	if notes != nil {
		s.line("  " + strings.Join(notes, " · "))
	}
	if rules == nil {
		return
	}
	if refused := thousands(uint64(rules.Refused())); ja {
		s.line(fmt.Sprintf("ルール: 読み込み %s 件%s、拒否 %s 件", thousands(uint64(len(rules.All()))), disabled(ja, rules), refused))
	} else {
		s.line(count(ja, len(rules.All()), "rule", "rules", "") + " loaded" + disabled(ja, rules) + ", " + refused + " refused")
	}
	var found []string
	for _, level := range yagura.Severities() {
		if n := sum.Findings[level]; n > 0 {
			found = append(found, fmt.Sprintf(in(ja, "%[1]s %[2]s", "%[2]s %[1]s 件"), thousands(n), in(ja, level.String(), level.Japanese())))
		}
	}
	if sum.Hidden > 0 {
		found = append(found, fmt.Sprintf(in(ja, "%s hidden by --min-severity", "--min-severity により非表示 %s 件"), thousands(sum.Hidden)))
	}
	if found == nil {
		found = []string{in(ja, "none", "なし")}
	}
	s.line(in(ja, "findings: ", "検出結果: ") + strings.Join(found, in(ja, ", ", "、")))
}

// disabled says how many of the rules that were loaded do not run, where there are any.
func disabled(ja bool, rules *app.Rules) string {
	var off, waiting uint64
	for _, r := range rules.Disabled {
		if len(r.Waits) > 0 {
			waiting++
		} else {
			off++
		}
	}
	var parts []string
	if waiting > 0 {
		parts = append(parts, fmt.Sprintf(in(ja, "%s wait for configuration", "設定待ち %s 件"), thousands(waiting)))
	}
	if off > 0 {
		parts = append(parts, fmt.Sprintf(in(ja, "%s of them disabled", "うち無効 %s 件"), thousands(off)))
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, in(ja, ", ", "、")) + ")"
}
