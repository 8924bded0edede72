/** Sparkline draws counts in the order of time as small bars; its label says what they are. */
export function Sparkline({
  values,
  label,
  width = 84,
  height = 18,
  tone,
}: {
  values: number[];
  label: string;
  width?: number;
  height?: number;
  tone?: string;
}) {
  const max = Math.max(1, ...values);
  const step = width / Math.max(1, values.length);
  return (
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      className={`spark ${tone ?? ""}`}
    >
      {values.map((v, i) => {
        // The square root lets one see a single event beside a thousand.
        const h = v === 0 ? 1 : Math.max(2, Math.sqrt(v / max) * height);
        return (
          <rect
            key={i}
            x={i * step}
            y={height - h}
            width={Math.max(1, step - 1)}
            height={h}
            className={v === 0 ? "spark-zero" : undefined}
          />
        );
      })}
    </svg>
  );
}
