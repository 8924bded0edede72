import { Link } from "../../app/Link";
import { useParam } from "../../app/router";
import { useWords } from "../../i18n/words";
import { CopyMenu } from "../../ui/Copy";
import { Icon } from "../../ui/Icon";
import { w as catalogue } from "../findings/words";
import { FindingView } from "./FindingView";

/** Page is one finding by its link. */
export function Page() {
  const w = useWords(catalogue);
  const id = useParam("id");
  const path = `/findings/${encodeURIComponent(id)}`;
  return (
    <div className="page">
      <div className="page-head">
        <Link href="/findings" className="row dim">
          <Icon name="left" size={12} /> {w.back}
        </Link>
        <span className="mono faint cut grow">{id}</span>
        <CopyMenu of={{ link: path, path }} />
      </div>
      <div className="page-body">
        <div className="finding">
          <FindingView key={id} id={id} />
        </div>
      </div>
    </div>
  );
}
