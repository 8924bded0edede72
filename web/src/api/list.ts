// Lists are read page by page with cursors and never filtered or sorted in the browser.
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { get, query } from "./client";
import type { Page } from "./types";

export interface ListState<T> {
  rows: T[];
  total?: { n: number; exact: boolean };
  /** Not all of the data was looked at. */
  cut: boolean;
  loading: boolean;
  /** The rows are those of the question before; the answer is under way. */
  stale: boolean;
  error: Error | null;
  more: boolean;
  fetchMore: () => void;
  refetch: () => Promise<unknown>;
  /** Changes the rows that are there already, without asking. */
  patch: (change: (row: T) => T) => void;
}

/** useList reads a list of the API: useList<Issue>("issues", {q, sort}). */
export function useList<T>(
  path: string,
  params: Record<string, string | undefined>,
  options: { limit?: number; enabled?: boolean } = {},
): ListState<T> {
  const client = useQueryClient();
  const limit = options.limit ?? 100;
  const key = useMemo(() => ["list", path, params], [path, JSON.stringify(params)]);
  const r = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      get<Page<T>>(`/${path}${query({ ...params, cursor: pageParam || undefined, limit })}`, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    refetchOnWindowFocus: false,
    enabled: options.enabled,
  });
  // Counting may take longer than the first page: nobody waits for it.
  const { sort: _, ...asked } = params;
  const counted = useQuery({
    queryKey: ["total", path, asked],
    queryFn: ({ signal }) => get<Page<T>>(`/${path}${query({ ...asked, limit: 1, total: 1 })}`, signal),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    refetchOnWindowFocus: false,
    retry: false,
    enabled: options.enabled !== false && !r.error,
  });
  const rows = useMemo(() => r.data?.pages.flatMap((p) => p.items ?? []) ?? [], [r.data]);
  const patch = useCallback(
    (change: (row: T) => T) =>
      client.setQueryData<typeof r.data>(
        key,
        (d) => d && { ...d, pages: d.pages.map((p) => ({ ...p, items: (p.items ?? []).map(change) })) },
      ),
    [client, key],
  );
  const fetchMore = useCallback(() => {
    if (r.hasNextPage && !r.isFetchingNextPage) void r.fetchNextPage();
  }, [r.hasNextPage, r.isFetchingNextPage, r.fetchNextPage]);
  return {
    rows,
    total: counted.data?.total,
    cut: r.data?.pages[0]?.cut ?? false,
    loading: r.isPending && r.fetchStatus !== "idle",
    stale: r.isPlaceholderData,
    error: r.error,
    more: r.hasNextPage,
    fetchMore,
    refetch: async () => {
      void counted.refetch();
      return r.refetch();
    },
    patch,
  };
}
