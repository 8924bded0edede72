package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/api"
	"github.com/yagura-sec/yagura/config"
	"github.com/yagura-sec/yagura/filter"
)

const (
	overviewCountries = 50
	// Findings are brought together with the countries of their events up to so many: they are
	// written out for the engine.
	overviewPlaced = 100_000
	growthDays     = 7
)

// eventCountries counts the events of the lake by the country that their records say; "" is of
// those that say an address and no country. Findings are those of events of a country, where they
// are few enough to be looked at.
func (c *console) eventCountries(ctx context.Context, reach api.Reach, from, to time.Time, findings int64) ([]api.CountryFlow, error) {
	done, err := c.serve.hunts.place(ctx, "") // as the service itself
	if err != nil {
		return nil, err
	}
	defer done()
	found := map[string]*api.CountryFlow{}
	of := func(text string) *api.CountryFlow {
		code := text
		if text != "" {
			code = countryCode(text)
		}
		x := found[code]
		if x == nil {
			x = &api.CountryFlow{Country: code}
			found[code] = x
		}
		return x
	}
	if err := c.eachCountry(ctx, reach, "SELECT country, count(*) AS n FROM ("+countryEvents("src_ip")+") WHERE country <> '' OR src_ip <> '' GROUP BY country", from, to,
		func(text string, n int64) { of(text).Events += n }); err != nil {
		return nil, err
	}
	if findings <= overviewPlaced {
		for code, x := range found {
			if code != "" {
				x.Findings = new(int64)
			}
		}
		err := c.eachCountry(ctx, reach, "SELECT k.country AS country, count(DISTINCT f.id) AS n FROM findings f JOIN ("+countryTables("key")+") k ON k.key = f.event_key WHERE k.country <> '' GROUP BY k.country",
			from, to, func(text string, n int64) {
				if x := of(text); x.Findings != nil {
					*x.Findings += n
				}
			})
		if err != nil {
			return nil, err
		}
	}
	out := make([]api.CountryFlow, 0, len(found))
	for code, x := range found {
		x.Q = "country:none ip:* time:7d"
		if code != "" {
			q, err := askingFor(filter.Events, "country", code)
			if err != nil {
				return nil, err
			}
			x.Q = q.String() + " time:7d"
		}
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b api.CountryFlow) int {
		// What is known stands before what is not.
		return cmp.Or(boolInt(a.Country == "")-boolInt(b.Country == ""), cmp.Compare(b.Events, a.Events), cmp.Compare(a.Country, b.Country))
	})
	return out[:min(len(out), overviewCountries)], nil
}

func (c *console) eachCountry(ctx context.Context, reach api.Reach, sql string, from, to time.Time, each func(text string, n int64)) error {
	rows, err := c.askLake(ctx, reach, sql, nil, from, to, consoleRows)
	if err != nil {
		return err
	}
	for _, v := range rows {
		text, ok := v[0].(string)
		n, ok2 := v[1].(int64)
		if !ok || !ok2 {
			return fmt.Errorf("events of a country: %T, %T", v[0], v[1])
		}
		each(text, n)
	}
	return nil
}

// keptFor says how long the configuration has records kept: 0 is for good. Entries of single
// formats and accounts are not told of.
func keptFor(cfg *config.Config) (days, rawDays, most int64, err error) {
	r, err := retention(cfg)
	if err != nil {
		return 0, 0, 0, err
	}
	const day = 24 * time.Hour
	for _, e := range r.Entries {
		if (e.Format == "" || e.Format == "*") && (e.Account == "" || e.Account == "*") {
			if days == 0 {
				days = int64(e.Head / day)
			}
			if rawDays == 0 {
				rawDays = int64(e.Raw / day)
			}
			break // the first that fits holds
		}
	}
	if rawDays == 0 || days > 0 && rawDays > days {
		rawDays = days
	}
	return days, rawDays, r.Size, nil
}

// growth is how many bytes of files a day of events comes to: of the whole days of the last week,
// today without; 0 where there is none.
func growth(totals []yagura.LakeTotal, now time.Time) int64 {
	today := now.UTC().Truncate(24 * time.Hour)
	first := today.AddDate(0, 0, -growthDays)
	var bytes int64
	oldest := today
	for _, t := range totals {
		at, err := time.Parse(time.DateOnly, t.Day)
		if err != nil || at.Before(first) || !at.Before(today) {
			continue
		}
		bytes += t.HeadSize + t.RawSize
		oldest = earlier(oldest, at)
	}
	if days := int64(today.Sub(oldest) / (24 * time.Hour)); days > 0 {
		return bytes / days
	}
	return 0
}

// lakeIn says what sort of place the lake is in.
func lakeIn(cfg *config.Config) string {
	if scheme, _, ok := strings.Cut(cfg.Lake.Dir, "://"); ok {
		return scheme
	}
	return "folder"
}
