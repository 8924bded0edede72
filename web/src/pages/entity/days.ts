// The activity of an entity, day by day.

/** days fills the days between the first and the last with zeros, so that silence is seen. */
export function days(list: { at: string; n: number }[]): { at: string; n: number }[] {
  if (list.length === 0) return [];
  const step = 86_400_000;
  const by = new Map<number, number>();
  for (const a of list) {
    const t = Date.parse(a.at);
    if (Number.isFinite(t)) by.set(t, (by.get(t) ?? 0) + a.n);
  }
  const at = [...by.keys()].sort((a, b) => a - b);
  if (at.length === 0) return [];
  const out: { at: string; n: number }[] = [];
  // No more than a year is drawn.
  const from = Math.max(at[0]!, at.at(-1)! - 365 * step);
  for (let t = from; t <= at.at(-1)!; t += step) out.push({ at: new Date(t).toISOString(), n: by.get(t) ?? 0 });
  return out;
}
