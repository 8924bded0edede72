import { Modal } from "@mantine/core";
import { useMemo } from "react";
import { useCore } from "../i18n/core";
import { Keycap } from "../ui/Keycap";
import { type Key, useSheet } from "./keys";

/** Sheet lists every key that works at the moment, from the registry itself. */
export default function Sheet({ close }: { close: () => void }) {
  const w = useCore();
  const keys = useSheet();
  const groups = useMemo(() => grouped(keys), [keys]);
  return (
    <Modal opened onClose={close} title={w.keys.title} size={720} closeButtonProps={{ "aria-label": w.do.close }}>
      <div className="sheet">
        {[...groups].map(([group, list]) => (
          <section key={group}>
            <h2>{group}</h2>
            <dl>
              {list.map((k) => (
                <div key={k.keys}>
                  <dt>{k.label}</dt>
                  <dd>
                    <Keycap keys={k.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}

function grouped(keys: Key[]): Map<string, Key[]> {
  const out = new Map<string, Key[]>();
  for (const k of keys) out.set(k.group, [...(out.get(k.group) ?? []), k]);
  return out;
}
