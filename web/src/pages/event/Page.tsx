import { Link } from "../../app/Link";
import { useParam, useSearch } from "../../app/router";
import { useWords } from "../../i18n/words";
import { Icon } from "../../ui/Icon";
import { w as catalogue } from "../events/words";
import { EventView } from "./EventView";

/** Page is one event by its link. */
export function Page() {
  const w = useWords(catalogue);
  const key = useParam("key");
  const { time, format } = useSearch();
  return (
    <div className="page">
      <div className="page-head">
        <Link href="/events" className="row dim">
          <Icon name="left" size={12} /> {w.title}
        </Link>
        <span className="mono faint cut grow">{key}</span>
      </div>
      <div className="page-body">
        <div className="finding">
          <EventView key={key} event={{ key, time, format }} />
        </div>
      </div>
    </div>
  );
}
