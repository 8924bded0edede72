import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { get, Problem, query } from "../api/client";
import type { Completion, Place, QueryCheck } from "../api/types";
import { useKeys } from "../app/keys";
import { useLang } from "../app/prefs";
import { useCore } from "../i18n/core";
import type { Lang } from "../i18n/words";
import { Icon } from "./Icon";
import { apply, tokens } from "./querybar";
import { fromBytes, toBytes } from "./utf8";

/** QueryBar writes a list's query: with suggestions, and with errors at their place. */
export function QueryBar({
  list,
  value,
  onChange,
  error,
  placeholder,
}: {
  list: string;
  value: string;
  onChange: (q: string) => void;
  /** What the list answered, where it was not a list. */
  error?: Error | null;
  placeholder?: string;
}) {
  const w = useCore();
  const lang = useLang();
  const id = useId();
  const [text, setText] = useState(value);
  const [at, setAt] = useState(0); // the cursor
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const paint = useRef<HTMLDivElement>(null);
  const caret = useRef<number | null>(null);

  useEffect(() => setText(value), [value]);
  // Who begins to write adds a term: a blank stands before it.
  const begin = () => {
    const q = text === "" || text.endsWith(" ") ? text : `${text} `;
    setText(q);
    setAt(q.length);
    caret.current = q.length;
    input.current?.focus();
  };
  useKeys([{ keys: "/", label: w.keys.search, group: w.keys.list, run: begin }]);

  const asked = useDebounced(`${at} ${text}`, 90);
  const complete = useQuery({
    queryKey: ["complete", list, asked],
    queryFn: ({ signal }) => {
      const [n, ...rest] = asked.split(" ");
      const q = rest.join(" ");
      // An empty query is asked for as such: the server then names the fields.
      return get<Completion>(
        `/query/complete?list=${list}&q=${encodeURIComponent(q)}&at=${toBytes(q, Number(n))}`,
        signal,
      );
    },
    enabled: open,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });
  const typed = useDebounced(text, 250);
  const check = useQuery({
    queryKey: ["check", list, typed],
    queryFn: ({ signal }) => get<QueryCheck>(`/query/check${query({ list, q: typed })}`, signal),
    enabled: typed.trim() !== "" && typed !== value,
    staleTime: 60_000,
    retry: false,
  });
  const problem = text === value ? ofList(error, lang) : typed === text ? ofCheck(check.data, lang) : undefined;
  const from = problem?.place ? fromBytes(text, problem.place.start) : -1;
  const to = problem?.place ? Math.max(from + 1, fromBytes(text, problem.place.end)) : -1;
  const items = (open && complete.data?.items) || [];

  useLayoutEffect(() => {
    if (caret.current !== null) {
      input.current?.setSelectionRange(caret.current, caret.current);
      caret.current = null;
    }
    if (paint.current && input.current) paint.current.scrollLeft = input.current.scrollLeft;
  });

  const submit = (q: string) => {
    setOpen(false);
    setChosen(-1);
    onChange(q.trim());
  };
  const take = (n: number) => {
    const c = complete.data;
    const item = c?.items?.[n];
    if (!c || !item) return;
    const r = apply(text, fromBytes(text, c.from), fromBytes(text, c.to), item.text);
    setText(r.q);
    setAt(r.at);
    caret.current = r.at;
    setChosen(-1);
    if (!item.text.endsWith(":")) input.current?.focus();
  };

  let seen = 0;
  return (
    <div className="qb">
      <div className={problem ? "qb-box qb-bad" : "qb-box"}>
        <Icon name="filter" size={14} />
        <div className="qb-field">
          <div className="qb-paint mono" ref={paint} aria-hidden="true">
            {tokens(text).map((t, i) => {
              const start = seen;
              seen += t.text.length;
              // A token that the error touches is cut where the error begins and ends.
              const a = Math.min(Math.max(from - start, 0), t.text.length);
              const b = Math.min(Math.max(to - start, 0), t.text.length);
              return (
                <span key={i} className={t.kind === "field" ? "qb-name" : `qb-${t.kind}`}>
                  {t.text.slice(0, a)}
                  {b > a && <span className="qb-wrong">{t.text.slice(a, b)}</span>}
                  {t.text.slice(Math.max(a, b))}
                </span>
              );
            })}
          </div>
          <input
            ref={input}
            className="qb-in mono"
            value={text}
            placeholder={placeholder ?? w.query.placeholder}
            aria-label={w.query.label}
            aria-invalid={problem ? true : undefined}
            aria-describedby={problem ? `${id}-error` : undefined}
            role="combobox"
            aria-expanded={items.length > 0}
            aria-controls={`${id}-list`}
            aria-autocomplete="list"
            aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            onChange={(e) => {
              setText(e.currentTarget.value);
              setAt(e.currentTarget.selectionStart ?? e.currentTarget.value.length);
              setOpen(true);
              setChosen(-1);
            }}
            onSelect={(e) => setAt(e.currentTarget.selectionStart ?? 0)}
            onScroll={(e) => {
              if (paint.current) paint.current.scrollLeft = e.currentTarget.scrollLeft;
            }}
            onFocus={() => setOpen(true)}
            onBlur={() => {
              if (text.trim() === value) setText(value);
              setOpen(false);
              setChosen(-1);
            }}
            onKeyDown={(e) => {
              if (e.nativeEvent.isComposing) return;
              if (items.length > 0 && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
                e.preventDefault();
                setChosen((c) => (e.key === "ArrowDown" ? (c + 1) % items.length : (c <= 0 ? items.length : c) - 1));
              } else if (
                items.length > 0 &&
                ((e.key === "Enter" && chosen >= 0) || (e.key === "Tab" && !e.shiftKey && text !== ""))
              ) {
                e.preventDefault();
                take(Math.max(0, chosen));
              } else if (e.key === "Enter") {
                e.preventDefault();
                submit(text);
                // The rows are next: j k and Enter work at once.
                if (!problem) e.currentTarget.closest(".page")?.querySelector<HTMLElement>("[role=grid]")?.focus();
              } else if (e.key === "Escape") {
                e.preventDefault();
                e.stopPropagation();
                if (open && items.length > 0) setOpen(false);
                else e.currentTarget.blur();
              } else if (!open) setOpen(true);
            }}
          />
        </div>
        {text !== "" && (
          <button
            type="button"
            className="qb-clear"
            aria-label={w.query.clear}
            onMouseDown={(e) => e.preventDefault()}
            onClick={() => (setText(""), submit(""))}
          >
            <Icon name="close" size={12} />
          </button>
        )}
      </div>
      {items.length > 0 && (
        <div className="qb-list" id={`${id}-list`} role="listbox" aria-label={w.query.places}>
          {items.slice(0, 12).map((it, n) => (
            <div
              key={it.text}
              id={`${id}-${n}`}
              role="option"
              tabIndex={-1}
              aria-selected={n === chosen}
              className="qb-item"
              onMouseDown={(e) => {
                e.preventDefault();
                take(n);
              }}
              onMouseMove={() => setChosen(n)}
            >
              <span className="mono">{it.text}</span>
              {it.doc && <span className="faint cut">{it.doc}</span>}
            </div>
          ))}
        </div>
      )}
      {problem && (
        <div className="qb-error" id={`${id}-error`} role="alert">
          {problem.said}
          {problem.hint && (
            <span className="dim">
              {" "}
              — {w.query.hint}: {problem.hint}
            </span>
          )}
        </div>
      )}
    </div>
  );
}

interface Wrong {
  said: string;
  hint?: string;
  place?: Place;
}

function ofList(err: Error | null | undefined, lang: Lang): Wrong | undefined {
  if (!(err instanceof Problem) || err.code !== "bad_query") return undefined;
  const d = err.details;
  return { said: err.said(lang), hint: (lang === "ja" && d?.hint_ja) || d?.hint, place: d?.place };
}

function ofCheck(c: QueryCheck | undefined, lang: Lang): Wrong | undefined {
  const p = c?.problems?.[0];
  if (!p || c?.ok) return undefined;
  return { said: (lang === "ja" && p.reason_ja) || p.reason, hint: p.hint, place: c.places?.[0] };
}

/** useDebounced is a value once it has rested. */
export function useDebounced<T>(value: T, ms: number): T {
  const [v, set] = useState(value);
  useEffect(() => {
    const t = setTimeout(() => set(value), ms);
    return () => clearTimeout(t);
  }, [value, ms]);
  return v;
}
