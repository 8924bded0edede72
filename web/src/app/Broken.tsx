import { useCore } from "../i18n/core";
import { EmptyState } from "../ui/EmptyState";
import { isStale, reloadOnce } from "./build";

/** Broken stands in for a page that threw. A chunk that is gone means that the server was updated. */
export function Broken({ error }: { error: unknown }) {
  const w = useCore();
  if (isStale(error) && reloadOnce(`chunk ${location.pathname}`)) return <EmptyState title={w.state.stale} />;
  return (
    <EmptyState
      title={w.state.broken}
      doc={error instanceof Error ? error.message : String(error)}
      action={{ label: w.do.reload, run: () => location.reload() }}
    />
  );
}

export function NotFound() {
  const w = useCore();
  return <EmptyState title={w.state.notFound} doc={w.state.notFoundDoc} />;
}
