// Texts in logs were written by somebody else. React escapes markup; what it cannot see is the
// rest: characters that turn the direction of a line round, that have no width, or that no
// screen shows. They are shown as their codes.

// Controls but tab and line feed; soft hyphen; marks and overrides of direction; zero width;
// separators; interlinear marks; tags; variation selectors beyond those of emoji.
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;

export interface Part {
  text: string;
  /** The text is the code of a hidden character. */
  code?: boolean;
}

/** parts cuts a text into what is shown as it stands and the codes of what is hidden. */
export function parts(s: string): Part[] {
  const out: Part[] = [];
  let last = 0;
  for (const m of s.matchAll(hidden)) {
    if (m.index > last) out.push({ text: s.slice(last, m.index) });
    out.push({ text: `U+${m[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`, code: true });
    last = m.index + m[0].length;
  }
  if (last < s.length) out.push({ text: s.slice(last) });
  return out;
}

/** countHidden is how many hidden characters a text has. */
export function countHidden(s: string): number {
  return s.match(hidden)?.length ?? 0;
}

/** plain is a text with codes in place of what is hidden, for titles and attributes. */
export function plain(s: string): string {
  return s.replace(hidden, (c) => `[U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`);
}
