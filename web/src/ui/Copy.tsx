import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { say } from "../app/undo";
import { useCore } from "../i18n/core";
import { Icon } from "./Icon";
import { asCurl, asJq, asKQL } from "./pivot";

/** toClipboard copies a text and says so. */
export async function toClipboard(text: string, said: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages on plain http have no clipboard: the old way still works there.
    const t = document.createElement("textarea");
    t.value = text;
    t.className = "hide";
    document.body.append(t);
    t.select();
    document.execCommand("copy");
    t.remove();
  }
  say(said);
}

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const w = useCore();
  return (
    <Tooltip label={label ?? w.do.copy}>
      <ActionIcon aria-label={label ?? w.do.copy} onClick={() => void toClipboard(text, w.do.copied)}>
        <Icon name="copy" />
      </ActionIcon>
    </Tooltip>
  );
}

export interface CopySource {
  /** The path of the API that answers the same: "/issues?q=…". */
  path?: string;
  /** What was asked for, for jq and KQL. */
  event?: { format: string; key?: string; id?: string; time?: string; action?: string; account?: string };
  raw?: unknown;
  link?: string;
}

/** CopyMenu offers a thing in the forms that other tools take. */
export function CopyMenu({ of, label }: { of: CopySource; label?: string }) {
  const w = useCore();
  const copy = (text: string) => void toClipboard(text, w.do.copied);
  return (
    <Menu>
      <Menu.Target>
        <Tooltip label={label ?? w.do.copy}>
          <ActionIcon aria-label={label ?? w.do.copy}>
            <Icon name="copy" />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {of.link && <Menu.Item onClick={() => copy(new URL(of.link!, location.origin).href)}>{w.copy.link}</Menu.Item>}
        {of.event && <Menu.Item onClick={() => copy(asKQL(of.event!))}>{w.copy.kql}</Menu.Item>}
        {of.event && <Menu.Item onClick={() => copy(asJq(of.event!))}>{w.copy.jq}</Menu.Item>}
        {of.path && <Menu.Item onClick={() => copy(asCurl(of.path!))}>{w.copy.curl}</Menu.Item>}
        {of.raw !== undefined && (
          <Menu.Item onClick={() => copy(typeof of.raw === "string" ? of.raw : JSON.stringify(of.raw, null, 2))}>
            {w.copy.raw}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
