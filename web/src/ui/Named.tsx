import { Menu } from "@mantine/core";
import type { Entity } from "../api/types";
import { go } from "../app/go";
import { useCan } from "../app/session";
import { useCore } from "../i18n/core";
import { toClipboard } from "./Copy";
import { huntFor, issuesOf, type Named, pieces } from "./entities";
import { Hostile } from "./Hostile";
import { plain } from "./hostile";
import { entityHref } from "./Value";

/** NamedValue is somebody or something in a text, with the ways on from it. */
function NamedValue({ named, text }: { named: Named; text: string }) {
  const w = useCore();
  const hunt = useCan("hunt");
  const { type, id } = named;
  const issues = `/issues?${new URLSearchParams({ q: issuesOf(named) })}`;
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        {/* A link wraps with the text around it, and opens in a tab of its own as links do. */}
        <a
          className="named"
          href={type ? entityHref(type, id) : issues}
          aria-label={`${w.copy.menu}: ${plain(id)}`}
          onClick={(e) => !e.metaKey && !e.ctrlKey && !e.shiftKey && e.preventDefault()}
        >
          <Hostile text={text} />
        </a>
      </Menu.Target>
      <Menu.Dropdown>
        {type && <Menu.Label>{(w.entity as Record<string, string>)[type] ?? type}</Menu.Label>}
        {type && <Menu.Item onClick={() => go(entityHref(type, id))}>{w.copy.entity}</Menu.Item>}
        <Menu.Item onClick={() => go(issues)}>{w.copy.issues}</Menu.Item>
        {hunt && (
          <Menu.Item onClick={() => go(`/hunt?${new URLSearchParams({ lang: "kql", q: huntFor(type, id) })}`)}>
            {w.copy.hunt}
          </Menu.Item>
        )}
        <Menu.Item onClick={() => void toClipboard(id, w.do.copied)}>{w.copy.value}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** NamedText shows a text of somebody else; whom and what it names are ways on. */
export function NamedText({ text, name, known }: { text: string; name?: string; known?: readonly Entity[] | null }) {
  const list = pieces(text, name, known ?? []);
  return (
    <>
      {list.map((p, i) =>
        p.named ? <NamedValue key={i} named={p.named} text={p.text} /> : <Hostile key={i} text={p.text} />,
      )}
    </>
  );
}
