import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { get } from "../../api/client";
import type { RuleText } from "../../api/types";
import { Link } from "../../app/Link";
import { useParam, useSearch } from "../../app/router";
import { useWords } from "../../i18n/words";
import { w as catalogue } from "../rules/words";
import { RuleView } from "./RuleView";
import { TextAndTest } from "./TextAndTest";

/** Page is one rule whole; /rules/new is the place where one is written. */
export function Page() {
  const w = useWords(catalogue);
  const id = useParam("id");
  return (
    <div className="page">
      <div className="page-head">
        <Link href="/rules" className="dim">
          {w.title}
        </Link>
        <span className="faint">/</span>
        <h1 className="mono cut">{id === "new" ? w.make : id}</h1>
      </div>
      <div className="page-body">{id === "new" ? <New /> : <RuleView key={id} id={id} />}</div>
    </div>
  );
}

function New() {
  const w = useWords(catalogue);
  const { from } = useSearch();
  const r = useQuery({
    queryKey: ["rule", from],
    queryFn: ({ signal }) => get<RuleText>(`/rules/${encodeURIComponent(from!)}`, signal),
    enabled: !!from,
  });
  useEffect(() => {
    document.title = `${w.make} · Yagura`;
  }, [w]);
  if (from && !r.data) return null;
  // A copy has an id of its own: two rules of one id are refused.
  const copy = r.data && {
    ...r.data,
    own: true,
    text: r.data.text.replace(/^id:\s*['"]?[^\s'"]+['"]?\s*$/m, `id: own-${r.data.id}`),
  };
  return <TextAndTest rule={copy} make />;
}
