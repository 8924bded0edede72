import type { ReactNode } from "react";

export interface ReadColumn<T> {
  id: string;
  head: ReactNode;
  /** Numbers and times stand at the right. */
  num?: boolean;
  className?: string;
  cell: (row: T) => ReactNode;
}

/** ReadTable is a short table that is read, not worked in: all rows, in the order they came. */
export function ReadTable<T>(p: {
  rows: T[];
  rowKey: (row: T) => string;
  columns: ReadColumn<T>[];
  className?: string;
}) {
  const classOf = (c: ReadColumn<T>) => [c.num && "num", c.className].filter(Boolean).join(" ") || undefined;
  return (
    <table className={p.className ? `table ${p.className}` : "table"}>
      <thead>
        <tr>
          {p.columns.map((c) => (
            <th key={c.id} className={classOf(c)}>
              {c.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {p.rows.map((r) => (
          <tr key={p.rowKey(r)}>
            {p.columns.map((c) => (
              <td key={c.id} className={classOf(c)}>
                {c.cell(r)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** BarCell is a text with its share of the most behind it, from 0 to 1. */
export function BarCell({ share, children }: { share: number; children: ReactNode }) {
  return (
    <>
      <svg
        className="bar-behind"
        width="100%"
        height="100%"
        preserveAspectRatio="none"
        viewBox="0 0 100 1"
        aria-hidden="true"
      >
        <rect width={share * 100} height="1" />
      </svg>
      {children}
    </>
  );
}
