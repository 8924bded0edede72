package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/yagura-sec/yagura/app"
	"github.com/yagura-sec/yagura/report"
)

// The rules of the terminal: machine output on stdout and nothing else there, people's
// words on stderr, no capital at the beginning of a message and no full stop at its
// end; colour and progress only where a person looks.

// terminalWidth returns the columns of a terminal, 0 for anything else.
func terminalWidth(f *os.File) int {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return 0
	}
	w, _, err := term.GetSize(fd)
	if err != nil || w <= 0 {
		return 80
	}
	return w
}

// colour says whether w may be coloured. NO_COLOR forbids it, whatever its value.
func (e *environment) colour(w any) bool {
	return isTerminal(w) && e.getenv("NO_COLOR") == "" && e.getenv("TERM") != "dumb"
}

// screen writes lines to stderr around a progress bar at its last line.
type screen struct {
	mu   sync.Mutex
	w    io.Writer
	bar  string // "" when none is shown
	stop chan struct{}
	done sync.WaitGroup
}

// line writes one line above the bar.
func (s *screen) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	fmt.Fprintln(s.w, text)
	s.draw()
}

func (s *screen) clear() {
	if s.bar != "" {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}

func (s *screen) draw() {
	if s.bar != "" {
		fmt.Fprint(s.w, s.bar)
	}
}

// show shows a bar until close, or in place of the one before.
func (s *screen) show(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.bar = text
	s.draw()
}

// watch shows the progress of a scan until close.
func (s *screen) watch(scan *app.Scan, width int, now func() time.Time, ja bool) {
	s.watchProgress(scan.Progress, width, now, ja)
}

// watchProgress shows the progress of anything until close.
func (s *screen) watchProgress(progress func() app.Progress, width int, now func() time.Time, ja bool) {
	s.stop = make(chan struct{})
	began := now()
	s.done.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
				text := barText(progress(), now().Sub(began), width-1, ja)
				s.mu.Lock()
				s.clear()
				s.bar = text
				s.draw()
				s.mu.Unlock()
			}
		}
	})
}

// close takes the bar away.
func (s *screen) close() {
	if s.stop != nil {
		close(s.stop)
		s.done.Wait()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.bar, s.stop = "", nil
}

// under returns w, where it is a terminal as one that the bar is taken away from
// first: a table would begin behind it.
func (s *screen) under(w io.Writer) io.Writer {
	if isTerminal(w) {
		return underBar{w, s}
	}
	return w
}

type underBar struct {
	io.Writer
	s *screen
}

// Write takes the bar away and writes.
func (u underBar) Write(p []byte) (int, error) {
	u.s.close()
	return u.Writer.Write(p)
}

// barText writes bytes of total, events a second, findings and the time that is left.
func barText(p app.Progress, elapsed time.Duration, width int, ja bool) string {
	seconds := max(elapsed.Seconds(), 0.001)
	text := bytesText(p.Read)
	if p.Total > 0 {
		text += in(ja, " of ", " / ") + bytesText(p.Total)
		if !p.Listed {
			text += "+"
		}
	}
	text += fmt.Sprintf(in(ja, "  %s events/s  %s findings", "  イベント %s 件/秒  検出結果 %s 件"), thousands(uint64(float64(p.Events)/seconds)), thousands(p.Findings))
	if p.Total > 0 && p.Listed && p.Read > 0 && p.Read < p.Total {
		left := time.Duration(float64(p.Total-p.Read) / (float64(p.Read) / seconds) * float64(time.Second))
		text += fmt.Sprintf(in(ja, "  %s left", "  残り %s"), left.Round(time.Second))
	}
	runes := []rune(text)
	for report.Columns(string(runes)) > width && len(runes) > 0 {
		runes = runes[:len(runes)-1]
	}
	if len(runes) < utf8.RuneCountInString(text) {
		return string(runes)
	}
	const rest = len(" 100%  ")
	if cells := min(20, width-report.Columns(text)-rest); p.Total > 0 && cells >= 5 {
		part := min(float64(p.Read)/float64(p.Total), 1)
		full := int(part * float64(cells))
		text = strings.Repeat("█", full) + strings.Repeat("░", cells-full) + fmt.Sprintf(" %3.0f%%  ", part*100) + text
	}
	return text
}

// bytesText writes a number of bytes with three digits and a unit of a thousand.
func bytesText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB", "PB"} {
		v /= 1000
		if v < 999.5 || unit == "PB" {
			if v < 9.995 {
				return fmt.Sprintf("%.2f %s", v, unit)
			}
			if v < 99.95 {
				return fmt.Sprintf("%.1f %s", v, unit)
			}
			return fmt.Sprintf("%.0f %s", v, unit)
		}
	}
	return ""
}

// thousands writes 1234567 as 1,234,567.
func thousands(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
