package generate

import "fmt"

// The company: 木枯商店 (Kogarashi Shoten), a shop for household goods on the internet.
const (
	CompanyName   = "Kogarashi Shoten"
	CompanyNameJA = "木枯商店"
	domain        = "kogarashi.example"
	Tenant        = "5a1f2c34-7be0-4d19-9c55-0b6a7d2e8f10" // of Entra ID
	region        = "ap-northeast-1"
	organisation  = "o-kogarashi0"
	githubOrg     = "kogarashi-example"
)

// The AWS accounts and Google Cloud projects.
const (
	Management = "111122223333"
	Production = "123456789012"
	Staging    = "444455556666"
	Developing = "555555555555"
	LogArchive = "777788889999"
	Security   = "999988887777"
	DataProd   = "kogarashi-data-prod"
	MLDev      = "kogarashi-ml-dev"
)

// Account is one of the company's accounts, for the registry.
type Account struct {
	ID, Name, Cloud, Owner, Environment string
	Tags, Pipelines                     []string
}

// Accounts returns what the company's registry says.
func Accounts() []Account {
	deploy := []string{"arn:aws:iam::*:role/github-deploy", "arn:aws:sts::*:assumed-role/github-deploy/*"}
	robot := []string{"deploy@*.iam.gserviceaccount.com"}
	return []Account{
		{Management, "kogarashi-management", "aws", "platform", "prod", []string{"org"}, deploy},
		{Production, "kogarashi-prod", "aws", "shop", "prod", []string{"pci"}, deploy},
		{Staging, "kogarashi-staging", "aws", "shop", "staging", nil, deploy},
		{Developing, "kogarashi-dev", "aws", "shop", "dev", nil, nil},
		{LogArchive, "kogarashi-log-archive", "aws", "security", "prod", []string{"logs"}, deploy},
		{Security, "kogarashi-security", "aws", "security", "prod", nil, deploy},
		{DataProd, "kogarashi-data-prod", "gcp", "data", "prod", []string{"personal-data"}, robot},
		{MLDev, "kogarashi-ml-dev", "gcp", "data", "dev", nil, nil},
		{Tenant, "kogarashi.example", "azure", "it", "prod", nil, nil},
		{githubOrg, "kogarashi-example (GitHub)", "github", "platform", "prod", nil, nil},
	}
}

// person is one of those who work there.
type person struct {
	name, display, team string
	id                  string // object id in Entra ID
	home                string // address at home
	puid                string
}

func (p *person) mail() string { return p.name + "@" + domain }

// Addresses. All are those of RFC 5737 and RFC 3849, which documentation may use and nobody
// has: 198.51.100.0/24 is the company's, 192.0.2.0/24 that of its clouds and of services, and
// 203.0.113.0/24 of homes (to .127) and of strangers (from .128).
const (
	officeTokyo  = "198.51.100.10"
	officeOsaka  = "198.51.100.26"
	vpnGate      = "198.51.100.66"
	natProd      = "192.0.2.14"
	natStaging   = "192.0.2.30"
	natGoogle    = "192.0.2.46"
	scannerCloud = "192.0.2.200"      // of the posture scanner that the company pays for
	scannerWeb   = "192.0.2.201"      // of the vulnerability scanner
	buildRunner  = "192.0.2.120"      // of hosted runners
	leakedFrom   = "203.0.113.177"    // who found the key of a CI user
	leakedNext   = "203.0.113.178"    // the same, a day later
	sprayFrom    = "203.0.113.201"    // who sprays passwords
	mailFrom     = "203.0.113.202"    // who then reads the mail
	minerFrom    = "203.0.113.144"    // who came in through an open port
	minerPool    = "203.0.113.150"    // whom the machines then talked to
	robotFrom    = "2001:db8:bad::7"  // who uses the key of a service account
	robotNext    = "203.0.113.219"    // the same, over IPv4
	scraperFrom  = "203.0.113.240"    // a stranger who tries paths
	backupSite   = "198.51.100.130"   // of the warehouse
	officeSix    = "2001:db8:100::10" // the office over IPv6
)

// company is everybody and everything, made the same each time.
type company struct {
	people []person
	byName map[string]*person
}

// newCompany hires the people.
func newCompany() *company {
	staff := []struct{ name, display, team string }{
		{"sato.misaki", "佐藤 美咲", "security"}, {"tanaka.kenji", "田中 健二", "security"}, {"lopez.ana", "Ana López", "security"},
		{"suzuki.daichi", "鈴木 大地", "platform"}, {"takahashi.ren", "高橋 蓮", "platform"}, {"watanabe.yui", "渡辺 結衣", "platform"}, {"novak.petr", "Petr Novák", "platform"},
		{"ito.haruka", "伊藤 遥", "shop"}, {"yamamoto.sho", "山本 翔", "shop"}, {"nakamura.aoi", "中村 葵", "shop"}, {"kobayashi.riku", "小林 陸", "shop"},
		{"kato.mei", "加藤 芽依", "shop"}, {"yoshida.sora", "吉田 空", "shop"}, {"okafor.ada", "Ada Okafor", "shop"}, {"yamada.hina", "山田 陽菜", "shop"},
		{"sasaki.yuto", "佐々木 悠斗", "data"}, {"yamaguchi.rin", "山口 凛", "data"}, {"matsumoto.kai", "松本 海", "data"}, {"singh.arjun", "Arjun Singh", "data"},
		{"inoue.akari", "井上 明里", "it"}, {"kimura.takumi", "木村 拓海", "it"}, {"hayashi.nao", "林 直", "it"},
		{"shimizu.kaori", "清水 香織", "finance"}, {"yamazaki.jun", "山崎 純", "finance"}, {"mori.chika", "森 千佳", "finance"}, {"abe.shinji", "阿部 真司", "finance"},
		{"ikeda.ayaka", "池田 彩花", "sales"}, {"hashimoto.go", "橋本 剛", "sales"}, {"yamashita.emi", "山下 恵美", "sales"}, {"ishikawa.toru", "石川 徹", "sales"},
		{"nakajima.mio", "中島 澪", "sales"}, {"maeda.satoshi", "前田 智", "sales"}, {"fujita.kana", "藤田 佳奈", "sales"},
		{"ogawa.minoru", "小川 実", "warehouse"}, {"goto.saki", "後藤 咲", "warehouse"}, {"okada.ryo", "岡田 涼", "warehouse"}, {"hasegawa.yu", "長谷川 優", "warehouse"},
		{"murakami.rei", "村上 玲", "support"}, {"kondo.manami", "近藤 愛美", "support"}, {"smith.tom", "Tom Smith", "support"}, {"endo.hikaru", "遠藤 光", "support"},
	}
	c := &company{byName: map[string]*person{}}
	for i, s := range staff {
		c.people = append(c.people, person{name: s.name, display: s.display, team: s.team,
			id:   fmt.Sprintf("7c0de%03d-5a1f-4c34-8be0-%012x", i, 0x9c55000+i*7919),
			home: fmt.Sprintf("203.0.113.%d", 10+i*2), puid: fmt.Sprintf("10032000%08X", 0x1F0A0000+i*4099)})
	}
	for i := range c.people {
		c.byName[c.people[i].name] = &c.people[i]
	}
	return c
}

// team returns those of some teams.
func (c *company) team(names ...string) (out []*person) {
	for i := range c.people {
		for _, n := range names {
			if c.people[i].team == n {
				out = append(out, &c.people[i])
			}
		}
	}
	return out
}
