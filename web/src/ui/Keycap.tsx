import { show } from "../app/keys";

/** Keycap draws keys: <Keycap keys="mod+k" />. */
export function Keycap({ keys }: { keys: string }) {
  return (
    <span className="keycaps">
      {show(keys).map((k, i) => (
        <kbd key={i} className="keycap">
          {k}
        </kbd>
      ))}
    </span>
  );
}
