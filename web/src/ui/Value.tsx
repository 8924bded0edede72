import { Menu } from "@mantine/core";
import type { ReactNode } from "react";
import { go } from "../app/go";
import { Link } from "../app/Link";
import { useCan } from "../app/session";
import { useCore } from "../i18n/core";
import { toClipboard } from "./Copy";
import { Hostile } from "./Hostile";
import { plain } from "./hostile";
import { kqlString, term } from "./pivot";

/** entityHref is the page of an entity. */
export function entityHref(type: string, id: string): string {
  return `/entities/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
}

/** EntityLink names an entity and leads to its page. */
export function EntityLink({ type, id, label }: { type: string; id: string; label?: string }) {
  return (
    <Link className="mono cut entity-link" href={entityHref(type, id)} title={plain(id)}>
      <Hostile text={label ?? id} />
    </Link>
  );
}

/** Value is a value that one may go on from: narrow the list, hunt, copy. */
export function Value({
  field,
  value,
  onFilter,
  children,
  hunt,
}: {
  field: string;
  value: string;
  onFilter?: (term: string) => void;
  children?: ReactNode;
  hunt?: string;
}) {
  const w = useCore();
  const canHunt = useCan("hunt");
  if (value === "") return <span className="faint">–</span>;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <button type="button" className="value mono cut" aria-label={`${w.copy.menu}: ${plain(value)}`}>
          {children ?? <Hostile text={value} />}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void toClipboard(value, w.do.copied)}>{w.copy.value}</Menu.Item>
        {onFilter && <Menu.Item onClick={() => onFilter(term(field, value))}>{w.copy.filter}</Menu.Item>}
        {onFilter && <Menu.Item onClick={() => onFilter(term(field, value, true))}>{w.copy.exclude}</Menu.Item>}
        {canHunt && hunt && (
          <Menu.Item
            onClick={() =>
              go(`/hunt?lang=kql&q=${encodeURIComponent(`events\n| where ${hunt} == ${kqlString(value)}`)}`)
            }
          >
            {w.copy.hunt}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
