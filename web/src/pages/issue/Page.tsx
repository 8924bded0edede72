import { back } from "../../app/go";
import { useKeys } from "../../app/keys";
import { Link } from "../../app/Link";
import { useParam } from "../../app/router";
import { useCore } from "../../i18n/core";
import { useWords } from "../../i18n/words";
import { Icon } from "../../ui/Icon";
import { IssueView } from "./IssueView";
import { w as catalogue } from "./words";

/** Page is one issue by its link. */
export function Page() {
  const w = useWords(catalogue);
  const core = useCore();
  const id = useParam("id");
  useKeys([{ keys: "Escape", label: core.keys.leave, group: core.keys.page, run: () => back("/issues") }]);
  return (
    <div className="page">
      <div className="page-head">
        <Link href="/issues" className="row dim">
          <Icon name="left" size={12} /> {w.back}
        </Link>
        <span className="mono faint cut">{id}</span>
      </div>
      <div className="page-body">
        <IssueView key={id} id={id} />
      </div>
    </div>
  );
}
