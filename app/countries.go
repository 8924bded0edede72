package app

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/yagura-sec/yagura/filter"
)

// countryTable has the names of countries, folded, in English and Japanese, with their codes
// (ISO 3166-1 alpha-2).
var countryTable = sync.OnceValue(func() (t struct{ code, english map[string]string }) {
	t.code, t.english = map[string]string{}, map[string]string{}
	english, japanese := display.English.Regions(), display.Japanese.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			r, err := language.ParseRegion(code)
			if err != nil || !r.IsCountry() || r.String() != code {
				continue
			}
			t.english[code] = filter.Fold(english.Name(r))
			for _, name := range []string{code, english.Name(r), japanese.Name(r)} {
				if name != "" {
					t.code[filter.Fold(name)] = code
				}
			}
		}
	}
	for _, s := range otherCountryNames {
		t.code[s.name] = s.code
	}
	return t
})

// otherCountryNames are names that logs have for countries, beside the usual ones.
var otherCountryNames = []struct{ name, code string }{
	{"bolivia, plurinational state of", "BO"}, {"brunei darussalam", "BN"}, {"czech republic", "CZ"}, {"hong kong", "HK"}, {"iran, islamic republic of", "IR"},
	{"korea, republic of", "KR"}, {"republic of korea", "KR"}, {"lao people's democratic republic", "LA"}, {"macao", "MO"}, {"macau", "MO"}, {"moldova, republic of", "MD"},
	{"russian federation", "RU"}, {"syrian arab republic", "SY"}, {"taiwan, province of china", "TW"}, {"tanzania, united republic of", "TZ"}, {"the netherlands", "NL"},
	{"turkey", "TR"}, {"united states of america", "US"}, {"usa", "US"}, {"uk", "GB"}, {"venezuela, bolivarian republic of", "VE"}, {"viet nam", "VN"},
}

// countryCode is the code of a country that a text names; the text itself where it names none
// that is known.
func countryCode(text string) string {
	if code := countryTable().code[filter.Fold(strings.TrimSpace(text))]; code != "" {
		return code
	}
	return text
}

// countrySpellings are the texts, in small letters, by which logs name a country.
func countrySpellings(code string) []string {
	t := countryTable()
	list := []string{strings.ToLower(code)}
	if name := t.english[code]; name != "" {
		list = append(list, name)
	}
	for _, s := range otherCountryNames {
		if s.code == code {
			list = append(list, s.name)
		}
	}
	return list
}
