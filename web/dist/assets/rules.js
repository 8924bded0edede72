import{i as e}from"./words.js?v=afef10975632";var t=e({title:`Rules`,tabs:{rules:`Rules`,policy:`Severity policy`,suppressions:`Suppressions`},column:{state:`State`,severity:`Severity`,title:`Title`,engine:`Language`,techniques:`ATT&CK`,findings:`7 days`,perDay:`A day`,fired:`Last fired`,file:`File`},state:{on:`On`,off:`Off`,waiting:`Waits`,refused:`Refused`},stateDoc:{on:`It judges every record of its formats.`,off:`The team switched it off.`,waiting:`It waits for the value of a placeholder.`,refused:`It cannot be honoured whole, so it is not loaded.`},views:{all:`All`,on:`On`,noisy:`Noisiest`,silent:`Never fired`,refused:`Refused`,tuned:`Tuned`},tuned:`Tuned`,counted:`Counted`,noisy:`Noisy`,make:`New rule`,never:`never`,empty:`No rule`,emptyDoc:`Rules are files: Sigma, Falco and Sentinel's, as they are. Name their folder in the configuration:`,id:`Id`,idDoc:`Lower case, digits, hyphens.`,description:`What it finds`,descriptionNone:`The rule has no description.`,facts:{id:`Id`,file:`File`,author:`Author`,kind:`Kind`,formats:`Formats`,needs:`Needs`,waits:`Waits for`,correlates:`Made of`,references:`References`,falsePositives:`Usual false positives`,every:`Runs every`,original:`Level in the file`,reason:`Why this level`},kind:{posture:`Posture: closes when it is fixed`,behaviour:`Behaviour: never closes by itself`},anyFormat:`All formats`,check:`Find out`,act:`Then do`,tune:{title:`How it counts here`,enabled:`The rule is on`,severity:`Severity of its findings`,asFile:e=>`As the file says (${e})`,count:`Count only: its findings tell nobody`,reason:`Why`,save:`Apply`,saved:`The rule counts as you said from now on`,by:e=>`by ${e}`,undo:`Back to the file`,forbidden:`Changing rules needs the role admin.`},noise:(e,t)=>`${e} findings in 7 days, ${t} a day`,findings:`Findings`,issues:`Issues`,suppress:`Suppress…`,text:`The file`,ownText:`Your rule`,copy:`Copy as a rule of your own`,save:`Save the rule`,savedRule:`The rule is saved and judges from now on`,remove:`Remove the rule`,removed:`The rule is removed`,unsaved:`Changed, not saved`,test:{title:`Test against stored events`,run:`Test`,hours:`Look back`,h:e=>e<48?`${e} hours`:`${e/24} days`,running:`Judging stored events`,result:(e,t,n)=>`${e} ${e===`1`?`finding`:`findings`} in ${t} events, ${n}`,none:`It finds nothing in these events.`,refused:`The rule would be refused:`,cutTime:`The test ended at its time limit: older events were not judged.`,cutRecords:`The test ended at its limit of events: older ones were not judged.`,more:e=>`and ${e} more`},problem:(e,t)=>`line ${e}, column ${t}`,notFound:`There is no such rule`,notFoundDoc:`It may have been removed, or its file renamed.`,group:`Rule`,keys:{test:`Test the rule`},template:`title: My rule
id: my-rule
status: experimental
description: What it finds, in a sentence.
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    eventSource: iam.amazonaws.com
    eventName: CreateUser
  condition: selection
level: medium
tags:
  - attack.persistence
  - attack.t1136.003
`},{title:`ルール`,tabs:{rules:`ルール`,policy:`重大度ポリシー`,suppressions:`抑止`},column:{state:`状態`,severity:`重大度`,title:`題名`,engine:`言語`,techniques:`ATT&CK`,findings:`7 日間`,perDay:`1 日平均`,fired:`最終検知`,file:`ファイル`},state:{on:`有効`,off:`無効`,waiting:`待機`,refused:`拒否`},stateDoc:{on:`対象形式のすべてのレコードを判定します。`,off:`チームが無効にしました。`,waiting:`プレースホルダーの値を待っています。`,refused:`すべてを正しく解釈できないため、読み込んでいません。`},views:{all:`すべて`,on:`有効`,noisy:`検知が多い順`,silent:`検知なし`,refused:`拒否`,tuned:`調整済み`},tuned:`調整済み`,counted:`件数のみ`,noisy:`多発`,make:`ルールを作る`,never:`なし`,empty:`ルールがありません`,emptyDoc:`ルールは Sigma・Falco・Sentinel のファイルをそのまま使います。置き場所を設定ファイルに書いてください。`,id:`ID`,idDoc:`英小文字・数字・ハイフン。`,description:`何を検知するか`,descriptionNone:`説明はありません。`,facts:{id:`ID`,file:`ファイル`,author:`作者`,kind:`種類`,formats:`形式`,needs:`必要なログ`,waits:`待っている値`,correlates:`組み合わせ元`,references:`参考資料`,falsePositives:`よくある誤検知`,every:`実行間隔`,original:`ファイルの重大度`,reason:`この重大度の理由`},kind:{posture:`状態: 直れば完了します`,behaviour:`行為: 自動では完了しません`},anyFormat:`すべての形式`,check:`確認すること`,act:`対応`,tune:{title:`このチームでの扱い`,enabled:`ルールを有効にする`,severity:`検出結果の重大度`,asFile:e=>`ファイルのとおり（${e}）`,count:`件数だけ数え、通知しない`,reason:`理由`,save:`適用`,saved:`以後この扱いで判定します`,by:e=>`変更者: ${e}`,undo:`ファイルのとおりに戻す`,forbidden:`ルールの変更には管理者の権限が必要です。`},noise:(e,t)=>`7 日間の検出結果 ${e} 件、1 日平均 ${t} 件`,findings:`検出結果`,issues:`課題`,suppress:`抑止…`,text:`ファイルの内容`,ownText:`自作のルール`,copy:`自作のルールとして複製`,save:`ルールを保存`,savedRule:`ルールを保存しました。以後の判定に使われます`,remove:`ルールを削除`,removed:`ルールを削除しました`,unsaved:`未保存の変更があります`,test:{title:`保存済みのイベントで試す`,run:`試す`,hours:`さかのぼる期間`,h:e=>e<48?`${e} 時間`:`${e/24} 日`,running:`保存済みのイベントを判定しています`,result:(e,t,n)=>`イベント ${t} 件から検出結果 ${e} 件（${n}）`,none:`この期間のイベントからは検知されませんでした。`,refused:`このルールは次の理由で拒否されます:`,cutTime:`時間の上限に達したため、より古いイベントは判定していません。`,cutRecords:`件数の上限に達したため、より古いイベントは判定していません。`,more:e=>`ほか ${e} 件`},problem:(e,t)=>`${e} 行 ${t} 列`,notFound:`該当するルールはありません`,notFoundDoc:`削除されたか、ファイル名が変わった可能性があります。`,group:`ルール`,keys:{test:`ルールを試す`},template:`title: 自作のルール
id: my-rule
status: experimental
description: 何を検知するかを一文で書きます。
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    eventSource: iam.amazonaws.com
    eventName: CreateUser
  condition: selection
level: medium
tags:
  - attack.persistence
  - attack.t1136.003
`});export{t};