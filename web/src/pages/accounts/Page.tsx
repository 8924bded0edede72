import { Button } from "@mantine/core";
import { useEffect, useMemo } from "react";
import type { Account } from "../../api/types";
import { Link } from "../../app/Link";
import { useLang } from "../../app/prefs";
import { count, useWords } from "../../i18n/words";
import { EmptyState } from "../../ui/EmptyState";
import { Hostile } from "../../ui/Hostile";
import { ListView } from "../../ui/ListView";
import { term } from "../../ui/pivot";
import { TabBar } from "../../ui/TabBar";
import { Time } from "../../ui/Time";
import { entityHref } from "../../ui/Value";
import type { Column } from "../../ui/VirtualTable";
import { w as catalogue } from "./words";

const href = (page: string, q: string) => `/${page}?${new URLSearchParams({ q })}`;
const open = (id: string) => href("issues", `${term("account", id)} status:open,acknowledged`);
const found = (id: string) => href("findings", `${term("account", id)} seen:7d`);

const registry = `organisation: example
accounts:
  "111122223333":
    name: shop-prod
    owner: shop
    environment: prod`;

/** Page is the accounts that are watched. */
export function Page() {
  const w = useWords(catalogue);
  const lang = useLang();
  useEffect(() => {
    document.title = `${w.title} · Yagura`;
  }, [w]);
  const columns = useMemo<Column<Account>[]>(() => {
    const n = (x: number, to: string) =>
      x === 0 ? (
        <span className="faint num">0</span>
      ) : (
        <Link className="num" href={to}>
          {count(x, lang)}
        </Link>
      );
    const dim = (text?: string) => (
      <span className="dim">
        <Hostile text={text ?? ""} />
      </span>
    );
    return [
      {
        id: "name",
        head: w.column.account,
        width: "minmax(140px, 2fr)",
        sort: "name",
        cell: (a) => (
          <span className="row">
            <span className="cut">
              <Hostile text={a.name || a.id} />
            </span>
            {a.silent && <span className="tag tag-warn">{w.silent}</span>}
            {!a.listed && <span className="tag">{w.unlisted}</span>}
          </span>
        ),
      },
      {
        id: "id",
        head: w.column.id,
        width: "minmax(120px, 1.4fr)",
        sort: "id",
        min: 620,
        cell: (a) => (
          <span className="dim">
            <Hostile mono text={a.id} />
          </span>
        ),
      },
      { id: "cloud", head: w.column.cloud, width: "80px", sort: "cloud", min: 980, cell: (a) => dim(a.cloud) },
      {
        id: "tenant",
        head: w.column.tenant,
        width: "minmax(80px, 1fr)",
        sort: "tenant",
        min: 1180,
        cell: (a) => dim(a.tenant),
      },
      {
        id: "owner",
        head: w.column.owner,
        width: "minmax(80px, 1fr)",
        sort: "owner",
        min: 760,
        cell: (a) => dim(a.owner),
      },
      {
        id: "environment",
        head: w.column.environment,
        width: "100px",
        sort: "environment",
        min: 900,
        cell: (a) => dim(a.environment),
      },
      {
        id: "issues",
        head: w.column.issues,
        width: "76px",
        sort: "issues",
        align: "end",
        cell: (a) => n(a.issues, open(a.id)),
      },
      {
        id: "findings",
        head: w.column.findings,
        width: "130px",
        sort: "findings",
        align: "end",
        min: 560,
        cell: (a) => n(a.findings, found(a.id)),
      },
      {
        id: "seen",
        head: w.column.last,
        width: "112px",
        sort: "seen",
        align: "end",
        min: 700,
        cell: (a) => (a.last_seen ? <Time at={a.last_seen} /> : <span className="faint">–</span>),
      },
    ];
  }, [w, lang]);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{w.title}</h1>
        <TabBar
          label={w.title}
          tabs={[
            { href: "/entities", label: w.entities, on: false },
            { href: "/accounts", label: w.title, on: true },
          ]}
        />
      </div>
      <ListView<Account>
        list="accounts"
        label={w.title}
        columns={columns}
        rowKey={(a) => a.id}
        sort="-issues"
        hint="environment:prod issues:>0"
        presets={[
          { label: w.preset.open, q: "issues:>0" },
          { label: w.preset.unlisted, q: "listed:no" },
        ]}
        first={
          <EmptyState title={w.none} doc={w.noneDoc} steps={[{ title: w.write, doc: w.writeDoc, code: registry }]} />
        }
        panel={(id, row, list) =>
          row ? <One account={row} /> : list.loading ? null : <EmptyState title={id} doc={w.gone} />
        }
      />
    </div>
  );
}

function One({ account: a }: { account: Account }) {
  const w = useWords(catalogue);
  const lang = useLang();
  const row = (label: string, value: React.ReactNode) =>
    value ? (
      <>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </>
    ) : null;
  const text = (s?: string) => s && <Hostile text={s} />;
  return (
    <section className="section">
      <div className="row wrap">
        <h1>
          <Hostile text={a.name || a.id} />
        </h1>
        {a.silent && <span className="tag tag-warn">{w.silent}</span>}
        {!a.listed && <span className="tag">{w.unlisted}</span>}
      </div>
      <div className="row wrap one-facts">
        <Button component={Link} href={open(a.id)} variant="filled">
          {w.issues}
        </Button>
        <Button component={Link} href={found(a.id)}>
          {w.findings}
        </Button>
        <Button component={Link} href={href("events", term("account", a.id))}>
          {w.events}
        </Button>
        <Button component={Link} href={entityHref("account", a.id)} variant="subtle">
          {w.entity}
        </Button>
      </div>
      <dl className="facts one-facts">
        {row(
          w.column.id,
          <span className="mono">
            <Hostile text={a.id} />
          </span>,
        )}
        {row(w.column.cloud, text(a.cloud))}
        {row(w.column.tenant, text(a.tenant))}
        {row(w.column.owner, text(a.owner))}
        {row(w.column.environment, text(a.environment))}
        {row(w.column.tags, a.tags.length > 0 && text(a.tags.join(", ")))}
        {row(w.column.issues, <span className="num">{count(a.issues, lang)}</span>)}
        {row(w.column.findings, <span className="num">{count(a.findings, lang)}</span>)}
        {row(w.column.first, a.first_seen && <Time at={a.first_seen} mode="exact" />)}
        {row(w.column.last, a.last_seen && <Time at={a.last_seen} mode="exact" />)}
        {row(
          w.column.sources,
          a.sources.length > 0 &&
            a.sources.map((s) => (
              <div key={s}>
                <Link href={`/sources?open=${encodeURIComponent(s)}`}>
                  <Hostile text={s} />
                </Link>
              </div>
            )),
        )}
      </dl>
    </section>
  );
}
