package api

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/yagura-sec/yagura"
	"github.com/yagura-sec/yagura/filter"
)

// Hit is something that the palette found.
type Hit struct {
	Kind  string `json:"kind" enum:"issue,entity,rule,view,page,document"`
	ID    string `json:"id"`
	Title string `json:"title" doc:"In the language of the call. It may be hostile text."`
	Sub   string `json:"sub,omitempty"`
	HRef  string `json:"href" doc:"Of the console's page."`
}

// Hits are what the palette found, the likeliest first.
type Hits struct {
	Items []Hit `json:"items"`
}

// Searcher finds things of a kind by words or a pasted value.
type Searcher interface {
	Search(ctx context.Context, reach Reach, owner, text string, japanese bool) ([]Hit, error)
}

type searchIn struct {
	Q string `query:"q" doc:"Words, or anything pasted: an ARN, an address, a name, an id."`
}

// pages are the pages of the console, and what else people call them.
var pages = []struct {
	path, title, ja, words string
	needs                  yagura.Permission
}{
	{"/", "Overview", "概要", "home dashboard ホーム", yagura.PermitView},
	{"/issues", "Issues", "課題", "incidents alerts インシデント", yagura.PermitView},
	{"/findings", "Findings", "検出結果", "detections 検知", yagura.PermitView},
	{"/hunt", "Hunt", "ハント", "search kql sql logs 検索 ログ", yagura.PermitHunt},
	{"/events", "Events", "イベント", "records logs lake レコード ログ レイク", yagura.PermitView},
	{"/accounts", "Accounts", "アカウント", "projects subscriptions tenants registry プロジェクト 台帳", yagura.PermitView},
	{"/entities", "Entities", "エンティティ", "users addresses ips 利用者 アドレス", yagura.PermitView},
	{"/rules", "Rules", "ルール", "detections sigma falco attack 検知", yagura.PermitView},
	{"/policy", "Severity policy", "重大度ポリシー", "replay 重大度", yagura.PermitView},
	{"/suppressions", "Suppressions", "抑止", "mute noisy ノイズ", yagura.PermitView},
	{"/documents", "Documents", "文書", "runbooks handbook 手順書", yagura.PermitView},
	{"/sources", "Sources", "収集元", "lag silent 遅延", yagura.PermitView},
	{"/sinks", "Sinks", "通知先", "github slack pagerduty notices 通知", yagura.PermitView},
	{"/ledger", "Ledger", "台帳", "books 帳簿", yagura.PermitView},
	{"/audit", "Audit trail", "監査ログ", "who history 操作履歴", yagura.PermitManage},
	{"/settings", "Settings", "設定", "users tokens profile password 利用者 トークン パスワード", yagura.PermitView},
}

func (a *API) search(ctx context.Context, c *Call[searchIn]) (*Hits, error) {
	text := strings.TrimSpace(c.In.Q)
	if n := utf8.RuneCountInString(text); n > 512 {
		return nil, Refuse(CodeBadRequest, "q: it is too long", "q が長すぎます")
	} else if n == 0 {
		return &Hits{}, nil
	}
	out := &Hits{}
	want := filter.Fold(text)
	for _, p := range pages {
		if !c.Who.Can(p.needs) || !strings.Contains(filter.Fold(p.title+" "+p.ja+" "+p.words), want) {
			continue
		}
		title := p.title
		if c.Japanese {
			title = p.ja
		}
		out.Items = append(out.Items, Hit{Kind: "page", ID: p.path, Title: title, HRef: p.path})
	}
	found, err := a.parts.Searcher.Search(ctx, c.Reach, c.owner(), text, c.Japanese)
	if err != nil {
		return nil, err
	}
	out.Items = append(out.Items, found...)
	return out, nil
}
