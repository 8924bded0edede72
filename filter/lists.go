package filter

import (
	"slices"

	"github.com/yagura-sec/yagura"
)

// What follows is the data of the lists: what each can be asked by. A name means the same in
// every list that has it.

var severityWords = func() (words []Choice) {
	for _, s := range yagura.Severities() {
		words = append(words, Choice{s.String(), s.Japanese()})
	}
	return words
}()

var flagWords = []Choice{{"yes", "はい"}, {"no", "いいえ"}}

var (
	kindWords   = []Choice{{"posture", "状態"}, {"behaviour", "行為"}}
	engineWords = []Choice{{"sigma", ""}, {"falco", ""}, {"kql", ""}, {"builtin", "組み込み"}}

	outcomeWords = []Choice{{"success", "成功"}, {"failure", "失敗"}, {"unknown", "不明"}}

	entityTypes = []Choice{
		{yagura.EntityUser, "利用者"}, {yagura.EntityRole, "ロール"}, {yagura.EntitySession, "セッション"},
		{yagura.EntityServicePrincipal, "サービスプリンシパル"}, {yagura.EntityKey, "鍵"}, {yagura.EntityIP, "IPアドレス"},
		{yagura.EntityDomain, "ドメイン"}, {yagura.EntityHost, "ホスト"}, {yagura.EntityResource, "リソース"},
		{yagura.EntityAccount, "アカウント"},
	}
)

// A field is made by its kind, name, Japanese name and what it is in both languages; the
// methods below add what is special of it.
func field(kind Kind, name, japanese, doc, docJA string) Field {
	f := Field{Name: name, Japanese: japanese, Kind: kind, Doc: doc, DocJA: docJA}
	switch kind {
	case Severity:
		f.Words = severityWords
	case Flag:
		f.Words = flagWords
	case Entity:
		f.Words = entityTypes
	}
	return f
}

func words(name, japanese, doc, docJA string, words ...Choice) Field {
	f := field(Word, name, japanese, doc, docJA)
	f.Words = words
	return f
}

func (f Field) also(names ...string) Field {
	f.Aliases = append(slices.Clip(f.Aliases), names...)
	return f
}
func (f Field) many() Field   { f.Many = true; return f }
func (f Field) within() Field { f.Within = true; return f }
func (f Field) under() Field  { f.Under = "."; return f }
func (f Field) me() Field     { f.Me = true; return f }
func (f Field) ahead() Field  { f.Ahead = true; return f }

// Fields that several lists have.
var (
	fID       = field(Text, "id", "", "its id", "ID")
	fSeverity = field(Severity, "severity", "重大度", "how serious it is: critical, high, medium, low, none", "重大度（緊急・高・中・低・対応不要）").also("level", "sev")
	fKind     = words("kind", "種別", "posture (something is so) or behaviour (somebody did something)", "状態（設定がそうなっている）または行為（誰かがそうした）", kindWords...)
	fEngine   = words("engine", "エンジン", "the language of the rule", "ルールの言語", engineWords...)
	fRule     = field(Text, "rule", "ルール", "id or title of the rule", "ルールの ID または題名")
	fAccount  = field(Text, "account", "アカウント", "id or name of the account, project, subscription or tenant", "アカウント・プロジェクト・サブスクリプション・テナントの ID または名前")
	fTenant   = field(Text, "tenant", "テナント", "the organisation that the account belongs to", "アカウントが属する組織").also("organisation", "organization", "組織")
	fOwner    = field(Text, "owner", "担当チーム", "the team that owns the account", "アカウントを所有するチーム").also("team", "チーム")
	fEnv      = field(Text, "environment", "環境", "the environment of the account, as the registry says", "台帳にあるアカウントの環境").also("env")
	fFormat   = field(Text, "format", "形式", "the log type; aws holds for aws.cloudtrail", "ログの形式。aws は aws.cloudtrail も含む").under()
	fTech     = field(Text, "technique", "攻撃手法", "ATT&CK technique; T1078 holds for T1078.004", "ATT&CK の手法。T1078 は T1078.004 も含む").also("attack", "手法").many().under()
	fEntity   = field(Entity, "entity", "エンティティ", "who or what is involved: an id, or type=id", "関係する人や物。ID または type=ID").many()
	fActor    = field(Text, "actor", "実行者", "id or name of who did it", "実行者の ID または名前").also("user")
	fIP       = field(Address, "ip", "IPアドレス", "source address: one, a block (203.0.113.0/24), or with *", "送信元アドレス。1 つ、範囲 (203.0.113.0/24)、または * を使う").also("src_ip")
	fRegion   = field(Text, "region", "リージョン", "the region of the cloud", "クラウドのリージョン")
	fAction   = field(Text, "action", "操作", "what was done, as the log names it", "行われた操作（ログでの名前）")
	fOutcome  = words("outcome", "結果", "whether it succeeded", "成功したかどうか", outcomeWords...)
	fSource   = field(Text, "source", "収集元", "the source that it came from", "届いた収集元")
	fTitle    = field(Text, "title", "題名", "part of the title, in either language", "題名の一部（日本語・英語）").within()
)

// Issues are what people work.
var Issues = &List{
	Name: "issues", Japanese: "課題",
	Doc: "ids, titles, rules, accounts, actors, entities, labels and notes", DocJA: "ID、題名、ルール、アカウント、実行者、エンティティ、ラベル、メモ",
	Sorts: []string{"-updated", "-severity", "-seen", "first", "-opened", "-count", "status", "title", "account", "rule", "assignee"},
	Fields: []Field{
		fID.also("issue"),
		words("status", "状況", "open holds for re-opened ones too", "未対応は再オープンも含む",
			Choice{"open", "未対応"}, Choice{"acknowledged", "対応中"}, Choice{"closed", "完了"}, Choice{"reopened", "再オープン"}).also("state", "状態"),
		fSeverity,
		words("conclusion", "結論", "what people found it to be", "調べた結果の判断",
			Choice{"true_positive", "正検知"}, Choice{"benign", "無害"}, Choice{"false_positive", "誤検知"}, Choice{"accepted", "受容"}).also("verdict"),
		fKind, fEngine, fAccount, fTenant, fOwner, fEnv, fRule, fTech, fFormat, fTitle, fEntity, fActor, fIP, fRegion,
		field(Text, "label", "ラベル", "a label of the issue", "課題のラベル").also("tag", "labels", "タグ").many(),
		field(Text, "assignee", "担当者", "who works on it; me, none", "担当者。me は自分、none はなし").also("assigned").me(),
		field(Time, "seen", "最終検出", "event time of its last finding", "最後の検出結果のイベント時刻").also("last", "last_seen"),
		field(Time, "first", "初回検出", "event time of its first finding", "最初の検出結果のイベント時刻").also("first_seen"),
		field(Time, "opened", "発生日時", "when the episode began", "今回の発生が始まった時刻"),
		field(Time, "updated", "更新日時", "when it changed last", "最後に変わった時刻"),
		field(Time, "acked", "対応開始", "when somebody took it on", "対応が始まった時刻").also("acknowledged"),
		field(Time, "closed", "完了日時", "when it was closed", "完了した時刻"),
		field(Number, "count", "件数", "findings, of all episodes", "検出結果の数（すべての発生）").also("findings"),
		field(Number, "episode", "発生回数", "the number of the episode", "何回目の発生か").also("episodes"),
		words("reason", "完了理由", "why it was closed", "完了した理由",
			Choice{"fixed_verified", "解消を確認"}, Choice{"resolved_by_source", "検知元で解決"}, Choice{"resource_gone", "リソース消滅"}, Choice{"human", "人の判断"}),
		field(Flag, "suppressed", "抑止中", "whether it is kept quiet", "抑止されているか"),
		field(Flag, "flapping", "開閉の繰り返し", "whether it opens and closes again and again", "開閉を繰り返しているか"),
		field(Text, "cause", "原因キー", "its cause key", "原因キー").also("cause_key"),
		field(Text, "umbrella", "集約課題", "id of the issue that a storm put it under", "大量発生時にまとめた課題の ID"),
		field(Text, "sink", "通知先", "a sink that is told of it", "通知する通知先").also("route").many(),
	},
}

// Findings are what rules said.
var Findings = &List{
	Name: "findings", Japanese: "検出結果",
	Doc: "ids, rules, accounts, actors, entities, actions and outputs", DocJA: "ID、ルール、アカウント、実行者、エンティティ、操作、出力",
	Sorts: []string{"-seen", "-time", "-severity", "rule", "account"},
	Fields: []Field{
		fID.also("finding"), fRule, fSeverity, fAccount, fTenant, fOwner, fEnv, fFormat, fSource,
		field(Time, "time", "発生時刻", "when it happened, by the event", "イベントの時刻"),
		field(Time, "seen", "検出日時", "when it was judged", "判定した時刻").also("judged"),
		fEntity, fActor, fIP, fAction, fOutcome, fRegion, fTech, fTitle,
		field(Text, "issue", "課題", "id of its issue", "課題の ID"),
		field(Text, "event", "イベント", "native id or key of its event", "イベントの ID またはキー"),
		fKind, fEngine,
		words("mode", "扱い", "count: counted and shown, not told", "count は数えるだけで通知しない", Choice{"count", "計数のみ"}, Choice{"notify", "通知"}),
		field(Flag, "suppressed", "抑止", "whether it told nobody", "通知されなかったか"),
		field(Flag, "retro", "遡及", "whether it was made by judging the past anew", "遡及判定によるものか"),
	},
}

// Events are the records of the lake, by the columns of their head.
var Events = &List{
	Name: "events", Japanese: "イベント",
	Doc: "the record as it was received", DocJA: "受け取ったレコードの原文",
	Sorts: []string{"-time"},
	Fields: []Field{
		fID.also("event"),
		field(Text, "key", "キー", "the event's key, 32 hexadecimal digits", "イベントのキー（16 進 32 桁）"),
		field(Time, "time", "発生時刻", "when it happened, by the record", "レコードの時刻"),
		field(Time, "seen", "到着日時", "when it arrived", "届いた時刻").also("arrived"),
		fFormat, fSource,
		field(Text, "object", "オブジェクト", "the object or message that it came in", "届いたオブジェクトまたはメッセージ").also("file"),
		fAccount, fTenant, fOwner, fEnv, fRegion,
		field(Text, "service", "サービス", "the service that was called", "呼び出されたサービス"),
		fAction, fActor.also("actor_id", "actor_name"),
		words("actor_type", "実行者の種類", "what the actor is", "実行者の種類", entityTypes...),
		field(Text, "session_of", "セッション元", "the person or role behind a session", "セッションの元の人またはロール"),
		field(Text, "access_key", "アクセスキー", "the access key that was used", "使われたアクセスキー"),
		fIP,
		field(Text, "country", "国", "the country of the address, where the record says it: a code (JP) or a name", "送信元の国（レコードにある場合）。コード (JP) または名前"),
		field(Text, "agent", "ユーザーエージェント", "part of the user agent", "ユーザーエージェントの一部").also("user_agent").within(),
		fOutcome,
		field(Text, "error", "エラー", "part of the error", "エラーの一部").within(),
		field(Entity, "target", "対象", "what it was done to: an id, or type=id", "操作の対象。ID または type=ID").also("target_id", "resource").many(),
		fEntity,
		field(Number, "size", "サイズ", "bytes of the record", "レコードのバイト数"),
	},
}

// Entities are who and what was involved.
var Entities = &List{
	Name: "entities", Japanese: "エンティティ",
	Doc: "ids", DocJA: "ID",
	Sorts: []string{"-seen", "first", "-issues", "-findings", "type", "id"},
	Fields: []Field{
		words("type", "種類", "what it is", "種類", entityTypes...),
		field(Text, "id", "", "its id, or type=id by the field entity", "ID"),
		field(Entity, "entity", "エンティティ", "an id, or type=id", "ID または type=ID"),
		field(Address, "ip", "IPアドレス", "addresses: one, a block, or with *", "アドレス。1 つ、範囲、または * を使う"),
		field(Time, "seen", "最終確認", "when it was met last", "最後に現れた時刻").also("last", "last_seen"),
		field(Time, "first", "初回確認", "when it was met first", "最初に現れた時刻").also("first_seen"),
		field(Number, "issues", "課題数", "issues that name it", "関係する課題の数"),
		field(Number, "findings", "検出数", "findings of the issues that name it", "関係する課題の検出結果の数"),
		fSeverity, fAccount, fTenant,
	},
}

// Rules are the detections that are loaded.
var Rules = &List{
	Name: "rules", Japanese: "ルール",
	Doc: "ids, titles, descriptions and files", DocJA: "ID、題名、説明、ファイル",
	Sorts: []string{"title", "-severity", "-fired", "-findings", "-noise", "engine", "id", "file"},
	Fields: []Field{
		fID.also("rule"), fTitle,
		field(Text, "description", "説明", "part of the description", "説明の一部").within(),
		fEngine, fSeverity, fKind, fTech,
		field(Text, "tactic", "戦術", "ATT&CK tactic", "ATT&CK の戦術").many(),
		field(Text, "tag", "タグ", "a tag of the rule", "ルールのタグ").also("tags", "label").many(),
		field(Text, "format", "形式", "a log type that it judges", "判定するログの形式").many().under(),
		words("state", "状況", "what became of it", "ルールの状態",
			Choice{"on", "有効"}, Choice{"off", "無効"}, Choice{"waiting", "値の待機中"}, Choice{"refused", "拒否"}).also("status", "状態"),
		field(Flag, "enabled", "有効", "whether it runs", "動いているか"),
		field(Flag, "tuned", "調整済み", "whether the team changed it", "調整されているか"),
		field(Flag, "shipped", "同梱", "whether it comes with the program", "製品に同梱されているか"),
		field(Flag, "scheduled", "定期実行", "whether it runs on a schedule", "定期実行されるか"),
		words("mode", "扱い", "count: counted and shown, not told", "count は数えるだけで通知しない", Choice{"count", "計数のみ"}, Choice{"notify", "通知"}),
		field(Time, "fired", "最終検知", "when it found something last", "最後に検知した時刻").also("last_fired", "seen"),
		field(Number, "findings", "検出数", "findings of the last 7 days", "直近 7 日の検出結果の数").also("findings_7d"),
		field(Number, "noise", "騒がしさ", "findings a day, over 7 days", "1 日あたりの検出結果の数（7 日平均）").also("per_day"),
		field(Text, "file", "ファイル", "the file that it stands in", "書かれているファイル").within(),
		field(Text, "author", "作成者", "who wrote it", "作成者").within(),
	},
}

// Sources are the collectors.
var Sources = &List{
	Name: "sources", Japanese: "収集元",
	Doc: "names, kinds and last errors", DocJA: "名前、種類、最後のエラー",
	Sorts: []string{"name", "-lag", "-waiting", "seen", "kind", "state", "-received", "-findings", "-broken"},
	Fields: []Field{
		field(Text, "name", "名前", "its name in the configuration", "設定での名前").also("source"),
		field(Text, "kind", "種類", "file, s3, sqs, push …", "file、s3、sqs、push など").also("type"),
		words("state", "状況", "how it does", "状態",
			Choice{"ok", "正常"}, Choice{"late", "遅延"}, Choice{"silent", "沈黙"}, Choice{"failing", "異常"}, Choice{"waiting", "待機"}).also("status", "状態"),
		field(Length, "lag", "遅れ", "how far it is behind", "遅れ"),
		field(Time, "seen", "最終イベント", "time of its last event", "最後のイベントの時刻").also("last_event", "last"),
		field(Number, "waiting", "待ち", "records that wait", "待っているレコード数"),
		field(Number, "received", "受信数", "records received", "受け取ったレコード数"),
		field(Number, "findings", "検出数", "findings", "検出結果の数"),
		field(Number, "broken", "破損数", "records that could not be read", "読めなかったレコード数"),
		field(Text, "error", "エラー", "part of the last error", "最後のエラーの一部").within(),
		fAccount.many(), fFormat.many(),
	},
}

// Sinks are where notices go.
var Sinks = &List{
	Name: "sinks", Japanese: "通知先",
	Doc: "names, kinds and last errors", DocJA: "名前、種類、最後のエラー",
	Sorts: []string{"name", "-waiting", "-dead", "oldest", "kind", "-delivered"},
	Fields: []Field{
		field(Text, "name", "名前", "its name in the configuration", "設定での名前").also("sink"),
		field(Text, "kind", "種類", "github, slack, pagerduty …", "github、slack、pagerduty など").also("type"),
		words("state", "状況", "how it does", "状態", Choice{"ok", "正常"}, Choice{"late", "遅延"}, Choice{"failing", "異常"}).also("status", "状態"),
		field(Number, "waiting", "待ち", "notices that wait", "待っている通知の数"),
		field(Number, "dead", "不達", "notices that were given up", "届けられなかった通知の数"),
		field(Number, "delivered", "配信済み", "notices that were delivered", "届いた通知の数"),
		field(Time, "oldest", "最古の待ち", "when the oldest waiting notice was made", "最も古い待ちの時刻"),
		field(Text, "error", "エラー", "part of the last error", "最後のエラーの一部").within(),
	},
}

// Notices are what is owed to sinks, and was.
var Notices = &List{
	Name: "notices", Japanese: "通知",
	Doc: "ids, issues, sinks and last errors", DocJA: "ID、課題、通知先、最後のエラー",
	Sorts: []string{"-created", "-done", "-attempts"},
	Fields: []Field{
		fID.also("notice"),
		field(Text, "sink", "通知先", "the sink that it is for", "宛先の通知先"),
		field(Text, "issue", "課題", "id of its issue", "課題の ID"),
		words("state", "状況", "where it stands", "状態", Choice{"waiting", "待機中"}, Choice{"delivered", "配信済み"}, Choice{"dead", "不達"}).also("status", "状態"),
		words("op", "操作", "what it asks of the sink", "通知の内容",
			Choice{"open", "発生"}, Choice{"update", "更新"}, Choice{"rise", "重大度上昇"}, Choice{"acknowledge", "対応開始"}, Choice{"close", "完了"},
			Choice{"reopen", "再オープン"}, Choice{"comment", "コメント"}, Choice{"ask", "確認"}, Choice{"digest", "日報"}, Choice{"test", "テスト"}),
		field(Time, "created", "作成日時", "when it was owed", "作られた時刻"),
		field(Time, "done", "完了日時", "when it was delivered or given up", "届いた、または断念した時刻"),
		field(Number, "attempts", "試行回数", "attempts so far", "これまでの試行回数"),
		field(Text, "error", "エラー", "part of the last error", "最後のエラーの一部").within(),
	},
}

// DeadLetters are records that could not be decoded or judged.
var DeadLetters = &List{
	Name: "dead-letters", Japanese: "デッドレター",
	Doc: "ids, objects, reasons and the record itself", DocJA: "ID、オブジェクト、理由、レコードの原文",
	Sorts: []string{"-at", "-size", "source"},
	Fields: []Field{
		fID, fSource, fFormat,
		field(Text, "object", "オブジェクト", "the object that it came in", "届いたオブジェクト").also("file"),
		field(Text, "reason", "理由", "part of the reason", "理由の一部").within(),
		field(Time, "at", "日時", "when it was kept", "保存した時刻"),
		field(Flag, "retried", "再試行済み", "whether a retry judged it", "再試行で判定できたか"),
		field(Number, "size", "サイズ", "bytes of the record", "レコードのバイト数"),
	},
}

// Hunts are saved questions to the lake.
var Hunts = &List{
	Name: "hunts", Japanese: "ハント",
	Doc: "names, titles, descriptions and queries", DocJA: "名前、題名、説明、クエリ",
	Sorts: []string{"name", "title", "-updated", "owner"},
	Fields: []Field{
		field(Text, "name", "名前", "its name", "名前").also("id"), fTitle,
		words("lang", "言語", "its language", "クエリの言語", Choice{"kql", ""}, Choice{"sql", ""}).also("language"),
		fTech,
		field(Text, "tactic", "戦術", "ATT&CK tactic", "ATT&CK の戦術").many(),
		field(Text, "owner", "作成者", "who keeps it; me", "作成者。me は自分").me(),
		field(Flag, "shipped", "同梱", "whether it comes with the program", "製品に同梱されているか"),
		field(Flag, "scheduled", "定期実行", "whether it runs as a rule on a schedule", "定期実行されるか"),
		field(Time, "updated", "更新日時", "when it was changed last", "最後に変わった時刻"),
	},
}

// Views are lists that somebody kept.
var Views = &List{
	Name: "views", Japanese: "ビュー",
	Doc: "names and queries", DocJA: "名前、クエリ",
	Sorts: []string{"name", "-updated", "list", "owner"},
	Fields: []Field{
		fID,
		field(Text, "name", "名前", "its name", "名前").within(),
		field(Text, "list", "一覧", "the list that it is of", "対象の一覧"),
		field(Text, "owner", "作成者", "whose it is; me", "作成者。me は自分").me(),
		field(Flag, "shared", "共有", "whether others see it", "共有されているか"),
		field(Time, "created", "作成日時", "when it was made", "作られた時刻"),
		field(Time, "updated", "更新日時", "when it was changed last", "最後に変わった時刻"),
	},
}

var roleWords = []Choice{{"viewer", "閲覧者"}, {"analyst", "分析者"}, {"responder", "対応者"}, {"admin", "管理者"}}

// Users are who may sign in.
var Users = &List{
	Name: "users", Japanese: "利用者",
	Doc: "names and e-mail addresses", DocJA: "名前、メールアドレス",
	Sorts: []string{"name", "-signed_in", "-created", "via"},
	Fields: []Field{
		fID,
		field(Text, "name", "名前", "what is typed to sign in; me", "サインイン名。me は自分").also("user").me(),
		field(Text, "display", "表示名", "part of how people call the user", "表示名の一部").within(),
		field(Text, "email", "メール", "e-mail address", "メールアドレス"),
		words("role", "ロール", "a role that it has", "持っているロール", roleWords...).many(),
		field(Text, "group", "グループ", "a group, as the provider said", "プロバイダーでのグループ").also("groups").many(),
		field(Text, "via", "認証元", "who vouches for it: local, or a provider", "認証元。local またはプロバイダー"),
		field(Flag, "disabled", "無効", "whether it may not sign in", "サインインできないか"),
		field(Flag, "totp", "二要素認証", "whether a second factor is asked", "二要素認証を使うか").also("mfa"),
		field(Time, "signed_in", "最終サインイン", "when it signed in last", "最後にサインインした時刻").also("seen"),
		field(Time, "created", "作成日時", "when it was made", "作られた時刻"),
	},
}

// Tokens are keys of the API.
var Tokens = &List{
	Name: "tokens", Japanese: "トークン",
	Doc: "names", DocJA: "名前",
	Sorts: []string{"name", "-used", "expires", "-created"},
	Fields: []Field{
		fID,
		field(Text, "name", "名前", "its name", "名前").also("token"),
		words("role", "ロール", "a role that it has", "持っているロール", roleWords...).many(),
		words("state", "状況", "whether it may be used", "使えるかどうか", Choice{"active", "有効"}, Choice{"expired", "期限切れ"}, Choice{"revoked", "失効"}).also("status", "状態"),
		field(Flag, "bound", "証明書必須", "whether it is bound to a certificate", "証明書に結び付いているか"),
		field(Text, "by", "作成者", "who made it; me", "作成者。me は自分").also("created_by").me(),
		field(Time, "created", "作成日時", "when it was made", "作られた時刻"),
		field(Time, "expires", "期限", "when it ends; <7d is within a week from now", "期限。<7d は今から 1 週間以内").ahead(),
		field(Time, "used", "最終使用", "when it was used last", "最後に使われた時刻").also("seen"),
	},
}

// AuditTrail is who signed in and what was changed.
var AuditTrail = &List{
	Name: "audit", Japanese: "監査ログ",
	Doc: "who, what, on what, and details", DocJA: "誰が、何を、何に、詳細",
	Sorts: []string{"-at"},
	Fields: []Field{
		field(Text, "who", "誰が", "who did it: user:mary@example.com, token:ci, mary; me", "実行した人。user:mary@example.com、token:ci、mary。me は自分").also("user").me(),
		field(Text, "what", "何を", "what was done: issue.close; issue holds for all of issues", "行われたこと。issue は issue.close なども含む").also("action").under(),
		field(Text, "on", "対象", "what it was done to: issue/01J…", "対象。issue/01J… など").also("target"),
		words("outcome", "結果", "done or refused", "実行または拒否", Choice{"done", "実行"}, Choice{"refused", "拒否"}),
		field(Address, "from", "接続元", "address: one, a block, or with *", "接続元のアドレス").also("ip"),
		field(Time, "at", "日時", "when", "時刻").also("time"),
		field(Text, "request", "リクエスト", "id of the request", "リクエスト ID"),
		field(Text, "detail", "詳細", "part of the details", "詳細の一部").within(),
	},
}

// Documents are runbooks and the handbook.
var Documents = &List{
	Name: "documents", Japanese: "文書",
	Doc: "titles and texts", DocJA: "題名、本文",
	Sorts: []string{"path", "title", "-updated", "kind"},
	Fields: []Field{
		field(Text, "path", "パス", "its path", "パス").also("id", "file"), fTitle,
		words("kind", "種類", "what it is", "種類", Choice{"runbook", "手順書"}, Choice{"handbook", "ハンドブック"}, Choice{"reference", "リファレンス"}, Choice{"settings", "設定"}).also("type"),
		words("lang", "言語", "its language", "言語", Choice{"en", "英語"}, Choice{"ja", "日本語"}),
		fRule,
		field(Flag, "shipped", "同梱", "whether it comes with the program", "製品に同梱されているか"),
		field(Time, "updated", "更新日時", "when it was changed last", "最後に変わった時刻"),
	},
}

// Suppressions are what keeps issues quiet, each until a time and for a reason.
var Suppressions = &List{
	Name: "suppressions", Japanese: "抑止",
	Doc: "rules, queries and reasons", DocJA: "ルール、クエリ、理由",
	Sorts: []string{"until", "-created", "rule", "by"},
	Fields: []Field{
		fID, fRule,
		field(Text, "query", "クエリ", "part of the query that it holds for", "対象のクエリの一部").within(),
		field(Text, "reason", "理由", "part of the reason", "理由の一部").within(),
		field(Text, "by", "登録者", "who made it; me", "登録者。me は自分").also("who").me(),
		words("state", "状況", "whether it still holds", "有効かどうか", Choice{"active", "有効"}, Choice{"ended", "終了"}).also("status", "状態"),
		field(Time, "until", "期限", "when it ends; <7d is within a week from now", "期限。<7d は今から 1 週間以内").also("expires").ahead(),
		field(Time, "created", "登録日時", "when it was made", "登録された時刻").also("at"),
		field(Number, "issues", "課題数", "issues that it keeps quiet", "抑止している課題の数"),
	},
}

// Accounts are those of the registry, and those that send and are not in it.
var Accounts = &List{
	Name: "accounts", Japanese: "アカウント",
	Doc: "ids, names, owners and tags", DocJA: "ID、名前、担当チーム、タグ",
	Sorts: []string{"-issues", "-findings", "name", "id", "cloud", "tenant", "owner", "environment", "-seen"},
	Fields: []Field{
		fID.also("account"),
		field(Text, "name", "名前", "its name", "名前"),
		field(Text, "cloud", "クラウド", "aws, gcp, azure …", "aws、gcp、azure など"),
		fTenant, fOwner, fEnv,
		field(Text, "tag", "タグ", "a tag of the account", "アカウントのタグ").also("tags", "label").many(),
		field(Flag, "listed", "登録済み", "whether the registry knows it", "台帳にあるか"),
		field(Number, "issues", "課題数", "issues that are not closed", "完了していない課題の数"),
		field(Number, "findings", "検出数", "findings of the last 7 days", "直近 7 日の検出結果の数").also("findings_7d"),
		field(Time, "seen", "最終到着", "when its last record arrived", "最後のレコードが届いた時刻").also("last", "last_seen"),
		field(Text, "source", "収集元", "a source that its records come by", "レコードが届く収集元").many(),
	},
}
