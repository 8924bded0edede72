// Where the records of the lake stand in the console.

/** eventHref is the page of an event. With its time it is found at once. */
export function eventHref(e: { key: string; time?: string; format?: string }): string {
  const q = new URLSearchParams();
  if (e.time) q.set("time", e.time);
  if (e.format) q.set("format", e.format);
  const more = q.toString();
  return `/events/${e.key}${more ? `?${more}` : ""}`;
}
