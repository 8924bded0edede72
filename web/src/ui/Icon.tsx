// Icons are drawn here: 16 × 16, one stroke, in the colour of the text around them.
const paths = {
  overview: "M2.5 2.5h4.5v5h-4.5zM9 2.5h4.5v3H9zM9 7.5h4.5v6H9zM2.5 9.5h4.5v4h-4.5z",
  issue: "M8 2 14.2 13.2H1.8zM8 6.2v3.3M8 11.3v.2",
  hunt: "M2.5 4.5 5.5 7.5l-3 3M7.5 11.5h6",
  entities:
    "M4.5 6.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM11.5 13.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM12 5.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM6 5.8l4 4.2M6.5 4.3l4-.3",
  events: "M2.5 4h1.5M6.5 4h7M2.5 8h1.5M6.5 8h7M2.5 12h1.5M6.5 12h7",
  rules: "M3 3.5h10M3 8h10M3 12.5h6M11.5 11.2l1.2 1.3 2-2.3",
  policy: "M8 1.8 13 3.6v4.2c0 3-2.2 5.2-5 6.4-2.8-1.2-5-3.4-5-6.4V3.6zM5.8 8l1.6 1.6 3-3.2",
  documents: "M4 1.8h5.2L12.5 5v9.2H4zM9 2v3.2h3.2M6 8h4.5M6 10.8h4.5",
  sources: "M8 2v7M5 6.2 8 9.2l3-3M2.5 10.5v3h11v-3",
  sinks: "M8 9.5v-7M5 5.3l3-3 3 3M2.5 10.5v3h11v-3",
  ledger: "M3 2.5h10v11H3zM3 6h10M6.5 6v7.5M3 9.7h10",
  audit: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.3 1.5",
  settings:
    "M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6 5 5M11 11l1.4 1.4M3.6 12.4 5 11M11 5l1.4-1.4",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.4 3.4",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  check: "M3 8.5l3.2 3.2L13 4.8",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  menu: "M2.5 4h11M2.5 8h11M2.5 12h11",
  left: "M9.5 3.5 5 8l4.5 4.5",
  right: "M6.5 3.5 11 8l-4.5 4.5",
  down: "M3.5 6 8 10.5 12.5 6",
  up: "M3.5 10 8 5.5 12.5 10",
  panel: "M2.5 3h11v10h-11zM9.5 3v10",
  page: "M9 2.5h4.5V7M13.5 2.5 8 8M11.5 9.5v4h-9v-9h4",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  user: "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM2.8 14c.5-2.7 2.6-4.2 5.2-4.2s4.7 1.5 5.2 4.2",
  bell: "M4 11.5V7a4 4 0 1 1 8 0v4.5M2.5 11.5h11M6.8 13.8h2.4",
  mute: "M4 11.5V7c0-.5.1-1 .3-1.5M6 3.5A4 4 0 0 1 12 7v2.5M2.5 11.5h8M6.8 13.8h2.4M2 2l12 12",
  note: "M2.5 3h11v8h-6l-3 2.8V11h-2z",
  tag: "M2.5 2.5h5l6 6-5 5-6-6zM5.3 5.3h.1",
  star: "M8 2l1.8 3.9 4.2.5-3.1 2.9.8 4.2L8 11.4l-3.7 2.1.8-4.2L2 6.4l4.2-.5z",
  filter: "M2 3.5h12L9.5 8.8v4.7l-3-1.5V8.8z",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.3 1.5",
  link: "M6.5 9.5l3-3M7 4.8 8.8 3a3 3 0 0 1 4.2 4.2L11.2 9M9 11.2 7.2 13A3 3 0 0 1 3 8.8L4.8 7",
  download: "M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
  undo: "M5.5 3 2.5 6l3 3M2.5 6H9a4 4 0 0 1 0 8H6",
  plus: "M8 3v10M3 8h10",
  graph:
    "M8 6a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM3.5 14a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM12.5 14a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM7 5.8l-2.7 5M9 5.8l2.7 5",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
  moon: "M13.3 9.8A5.8 5.8 0 0 1 6.2 2.7a5.7 5.7 0 1 0 7.1 7.1z",
  lock: "M3.5 7h9v6.5h-9zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
  play: "M4.5 2.8 12.5 8l-8 5.2z",
  refresh: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
  edit: "M10.5 2.8l2.7 2.7L6 12.7l-3.5.8.8-3.5z",
  trash: "M2.5 4h11M6 4V2.5h4V4M4 4l.6 9.5h6.8L12 4M6.8 6.5v4.5M9.2 6.5v4.5",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.7M8 5v.2",
  globe:
    "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2.2 8h11.6M8 2c2 1.8 2.5 4 2.5 6S10 12.2 8 14c-2-1.8-2.5-4-2.5-6S6 3.8 8 2z",
  signOut: "M6 2.5H3v11h3M7 8h6.5M11 5.3 13.7 8 11 10.7",
  wrap: "M2.5 4h11M2.5 8h8.5a2 2 0 0 1 0 4H8M9.5 10.5 8 12l1.5 1.5M2.5 12H5",
} as const;

export type IconName = keyof typeof paths;

/** Icon is a drawing beside a word; where it stands alone its button carries the name. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
