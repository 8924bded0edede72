import{r as e}from"./rolldown-runtime.js?v=8335835c822b";import{g as t,h as n,v as r}from"./vendor.js?v=8335835c822b";import{C as i,N as a,_ as o,c as s,w as c}from"./index.js?v=8335835c822b";import{r as l}from"./prefs.js?v=8335835c822b";import{i as u,r as d,t as f}from"./words.js?v=8335835c822b";import{t as p}from"./Balance.js?v=8335835c822b";import{t as m}from"./Command.js?v=8335835c822b";import{n as h}from"./format.js?v=8335835c822b";import{t as g}from"./ListView.js?v=8335835c822b";import{t as _}from"./StateMark.js?v=8335835c822b";import{t as v}from"./Time.js?v=8335835c822b";var y=e(r(),1),b=`{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "TrailQueue",
      "Effect": "Allow",
      "Action": [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes"
      ],
      "Resource": [
        "arn:aws:sqs:ap-northeast-1:111122223333:yagura-trail"
      ]
    },
    {
      "Sid": "TrailDeadQueue",
      "Effect": "Allow",
      "Action": [
        "sqs:GetQueueUrl",
        "sqs:GetQueueAttributes"
      ],
      "Resource": [
        "arn:aws:sqs:ap-northeast-1:111122223333:yagura-trail-dead"
      ]
    },
    {
      "Sid": "TrailObjects",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:GetObjectVersion"
      ],
      "Resource": [
        "arn:aws:s3:::org-trail/AWSLogs/*"
      ]
    },
    {
      "Sid": "TrailList",
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket"
      ],
      "Resource": [
        "arn:aws:s3:::org-trail"
      ]
    }
  ]
}`,x=u({title:`Sources`,column:{name:`Source`,kind:`Kind`,state:`State`,lag:`Lag`,last:`Last event`,waiting:`Waiting`,received:`Received`,findings:`Findings`,broken:`Unreadable`,error:`Last error`},preset:{ill:`Late, silent or failing`,broken:`With unreadable records`},lag:`behind`,gone:`There is no source of this name. It was renamed or taken out of the configuration.`,books:`Books`,doc:{received:`Records that came in objects that were read to their end`,judged:`of them judged by every rule`,waiting:`wait for their turn`,repeats:`had come before and were not judged again`,broken:`could not be read; each is a dead letter`,own:`were Yagura's own calls`,findings:`findings came of them`,objects:`Objects`},accounts:`Accounts that send`,account:`Account`,silent:`silent`,error:`Last error`,test:`Try it from the command line`,testDoc:`Receives without acknowledging, and says which permission lacks.`,events:`Its events`,dead:`Its dead letters`,findings:`Its findings`,oldest:`Oldest that waits`,first:{title:`No source is configured`,doc:`Yagura reads logs from S3 buckets, queues, folders and Pub/Sub, and takes what is pushed to it.`,write:`Write the configuration`,writeDoc:`It writes yagura.yaml and, below iam/, the policies of role, queue and bucket.`,allow:`Allow it to read, and no more`,allowDoc:`This is the whole policy of the role for a bucket whose objects a queue announces.`,check:`Check, then start`,checkDoc:`Every permission is tried; what lacks is named with its policy statement.`}},{title:`収集元`,column:{name:`収集元`,kind:`種類`,state:`状況`,lag:`遅れ`,last:`最後のイベント`,waiting:`待ち`,received:`受信`,findings:`検出結果`,broken:`読み取り不可`,error:`最後のエラー`},preset:{ill:`遅延・沈黙・異常`,broken:`読み取り不可あり`},lag:`遅れ`,gone:`この名前の収集元はありません。名前が変わったか、設定から外されました。`,books:`帳簿`,doc:{received:`最後まで読んだオブジェクトで届いたレコード`,judged:`すべてのルールで判定済み`,waiting:`順番待ち`,repeats:`以前に届いていたため再判定しなかったもの`,broken:`読み取れなかったもの（デッドレターとして保存）`,own:`Yagura 自身の呼び出し`,findings:`ここからの検出結果`,objects:`オブジェクト`},accounts:`送信しているアカウント`,account:`アカウント`,silent:`沈黙`,error:`最後のエラー`,test:`コマンドラインで試す`,testDoc:`受信確認をせずに受け取り、足りない権限を示します。`,events:`イベント`,dead:`デッドレター`,findings:`検出結果`,oldest:`最も古い待ち`,first:{title:`収集元が設定されていません`,doc:`Yagura は S3 バケット、キュー、フォルダー、Pub/Sub からログを読み、プッシュされたログも受け取ります。`,write:`設定を書き出す`,writeDoc:`yagura.yaml と、iam/ にロール・キュー・バケットのポリシーを書き出します。`,allow:`読み取りだけを許可する`,allowDoc:`キューで通知されるバケットを読むロールに必要なポリシーは、これがすべてです。`,check:`確認して起動する`,checkDoc:`すべての権限を実際に試し、足りないものをポリシーの文とともに示します。`}}),S=t();function C(){let e=d(x),t=l(),r=n();(0,y.useEffect)(()=>{document.title=`${e.title} · Yagura`},[e]),o(`source`,()=>void r.invalidateQueries({queryKey:[`list`,`sources`]})),(0,y.useEffect)(()=>{let e=setInterval(()=>void r.invalidateQueries({queryKey:[`list`,`sources`]}),3e4);return()=>clearInterval(e)},[r]);let a=(0,y.useMemo)(()=>[{id:`state`,head:e.column.state,width:`96px`,sort:`state`,cell:e=>(0,S.jsx)(_,{state:e.state})},{id:`name`,head:e.column.name,width:`minmax(130px, 1.4fr)`,sort:`name`,cell:e=>(0,S.jsx)(c,{text:e.name})},{id:`kind`,head:e.column.kind,width:`100px`,sort:`kind`,min:560,cell:e=>(0,S.jsx)(`span`,{className:`dim`,children:(0,S.jsx)(c,{text:e.kind})})},{id:`lag`,head:e.column.lag,width:`100px`,sort:`lag`,align:`end`,min:620,cell:e=>(0,S.jsx)(`span`,{className:`num dim`,children:e.lag_s?h(e.lag_s,t):`–`})},{id:`waiting`,head:e.column.waiting,width:`86px`,sort:`waiting`,align:`end`,min:480,cell:e=>(0,S.jsx)(w,{n:e.waiting})},{id:`received`,head:e.column.received,width:`106px`,sort:`received`,align:`end`,min:820,cell:e=>(0,S.jsx)(w,{n:e.received})},{id:`findings`,head:e.column.findings,width:`86px`,sort:`findings`,align:`end`,min:900,cell:e=>(0,S.jsx)(w,{n:e.findings})},{id:`broken`,head:e.column.broken,width:`96px`,sort:`broken`,align:`end`,min:980,cell:e=>(0,S.jsx)(w,{n:e.broken,bad:!0})},{id:`last`,head:e.column.last,width:`100px`,sort:`seen`,align:`end`,cell:e=>(0,S.jsx)(v,{at:e.last_event})},{id:`error`,head:e.column.error,width:`minmax(80px, 2fr)`,min:1080,cell:e=>e.error?(0,S.jsx)(`span`,{className:e.state===`ok`?`dim`:`tone-bad`,children:(0,S.jsx)(c,{text:e.error})}):(0,S.jsx)(`span`,{className:`faint`,children:`–`})}],[e,t]);return(0,S.jsxs)(`div`,{className:`page`,children:[(0,S.jsx)(`div`,{className:`page-head`,children:(0,S.jsx)(`h1`,{children:e.title})}),(0,S.jsx)(g,{list:`sources`,label:e.title,columns:a,rowKey:e=>e.name,sort:`name`,hint:`state:late waiting:>1000 aws`,presets:[{label:e.preset.ill,q:`state:failing,silent,late`},{label:e.preset.broken,q:`broken:>0`}],first:(0,S.jsx)(E,{}),panel:(t,n,r)=>n?(0,S.jsx)(T,{source:n}):r.loading?null:(0,S.jsx)(i,{title:t,doc:e.gone})})]})}function w({n:e,bad:t}){let n=l();return(0,S.jsx)(`span`,{className:e===0?`num faint`:t?`num tone-warn`:`num`,children:f(e,n)})}function T({source:e}){let t=d(x),n=l(),r=e=>(0,S.jsx)(`span`,{className:`num`,children:f(e,n)});return(0,S.jsxs)(S.Fragment,{children:[(0,S.jsxs)(`section`,{className:`section`,children:[(0,S.jsxs)(`div`,{className:`row wrap`,children:[(0,S.jsx)(`h1`,{children:(0,S.jsx)(c,{text:e.name})}),(0,S.jsx)(`span`,{className:`faint`,children:(0,S.jsx)(c,{text:e.kind})}),(0,S.jsx)(_,{state:e.state}),!!e.lag_s&&(0,S.jsxs)(`span`,{className:`dim`,children:[h(e.lag_s,n),` `,t.lag]})]}),e.error&&(0,S.jsx)(`div`,{className:e.state===`ok`?`notice one-error`:`notice notice-bad one-error`,children:(0,S.jsxs)(`span`,{children:[(0,S.jsx)(`strong`,{children:t.error}),` `,e.error_at&&(0,S.jsx)(v,{at:e.error_at}),(0,S.jsx)(`br`,{}),(0,S.jsx)(`span`,{className:`mono`,children:(0,S.jsx)(c,{text:e.error})})]})}),(0,S.jsxs)(`dl`,{className:`facts one-facts`,children:[(0,S.jsx)(`dt`,{children:t.column.last}),(0,S.jsx)(`dd`,{children:(0,S.jsx)(v,{at:e.last_event,mode:`exact`})}),e.waiting>0&&e.oldest&&(0,S.jsxs)(S.Fragment,{children:[(0,S.jsx)(`dt`,{children:t.oldest}),(0,S.jsx)(`dd`,{children:(0,S.jsx)(v,{at:e.oldest})})]}),(0,S.jsx)(`dt`,{children:t.doc.objects}),(0,S.jsxs)(`dd`,{className:`num`,children:[f(e.objects_done,n),` / `,f(e.objects,n)]})]})]}),(0,S.jsxs)(`section`,{className:`section`,children:[(0,S.jsx)(`h2`,{children:t.books}),(0,S.jsx)(p,{whole:{label:t.column.received,n:e.received},parts:[{label:t.doc.judged,n:e.judged,tone:`good`},{label:t.doc.waiting,n:e.waiting,tone:`warn`}]}),(0,S.jsx)(`table`,{className:`table one-table`,children:(0,S.jsxs)(`tbody`,{children:[(0,S.jsxs)(`tr`,{children:[(0,S.jsx)(`td`,{children:t.doc.repeats}),(0,S.jsx)(`td`,{className:`num`,children:r(e.repeats)})]}),(0,S.jsxs)(`tr`,{children:[(0,S.jsx)(`td`,{children:t.doc.broken}),(0,S.jsx)(`td`,{className:`num`,children:e.broken>0?(0,S.jsx)(s,{href:`/ledger?${new URLSearchParams({tab:`dead-letters`,q:a(`source`,e.name)})}`,children:r(e.broken)}):r(0)})]}),(0,S.jsxs)(`tr`,{children:[(0,S.jsx)(`td`,{children:t.doc.own}),(0,S.jsx)(`td`,{className:`num`,children:r(e.own)})]}),(0,S.jsxs)(`tr`,{children:[(0,S.jsx)(`td`,{children:t.doc.findings}),(0,S.jsx)(`td`,{className:`num`,children:(0,S.jsx)(s,{href:`/findings?${new URLSearchParams({q:a(`source`,e.name)})}`,children:r(e.findings)})})]})]})})]}),(e.accounts??[]).length>0&&(0,S.jsxs)(`section`,{className:`section`,children:[(0,S.jsx)(`h2`,{children:t.accounts}),(0,S.jsx)(`table`,{className:`table`,children:(0,S.jsx)(`tbody`,{children:e.accounts.map(e=>(0,S.jsxs)(`tr`,{children:[(0,S.jsxs)(`td`,{children:[(0,S.jsx)(s,{href:`/issues?${new URLSearchParams({q:a(`account`,e.id)})}`,children:(0,S.jsx)(c,{text:e.name||e.id})}),` `,e.name&&(0,S.jsx)(`span`,{className:`faint mono`,children:e.id})]}),(0,S.jsx)(`td`,{children:e.silent&&(0,S.jsx)(_,{state:`silent`,word:t.silent})}),(0,S.jsx)(`td`,{className:`num`,children:(0,S.jsx)(v,{at:e.last})})]},e.id))})})]}),(0,S.jsxs)(`section`,{className:`section`,children:[(0,S.jsx)(`h2`,{children:t.test}),(0,S.jsx)(`p`,{className:`dim one-doc`,children:t.testDoc}),(0,S.jsx)(m,{text:`yagura source test ${/^[\w.-]+$/.test(e.name)?e.name:`'${e.name}'`}`})]})]})}function E(){let e=d(x);return(0,S.jsx)(i,{title:e.first.title,doc:e.first.doc,steps:[{title:e.first.write,doc:e.first.writeDoc,code:`yagura init --source sqs --account 111122223333 --region ap-northeast-1 --bucket org-trail /etc/yagura`},{title:e.first.allow,doc:e.first.allowDoc,code:b},{title:e.first.check,doc:e.first.checkDoc,code:`yagura config check --resolve /etc/yagura/yagura.yaml
yagura serve --config /etc/yagura/yagura.yaml`}]})}export{C as Page};