import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import cytoscape from "cytoscape";
import { useEffect, useRef, useState } from "react";
import { get, query } from "../api/client";
import type { Graph, GraphNode } from "../api/types";
import { go } from "../app/go";
import { Link } from "../app/Link";
import { useLang, useScheme } from "../app/prefs";
import { nonce } from "../app/theme";
import { useCore } from "../i18n/core";
import { count, useWords } from "../i18n/words";
import { w as catalogue } from "./graph.words";
import { Hostile } from "./Hostile";
import { plain } from "./hostile";
import { entityHref } from "./Value";
import "./graph.css";

/** hrefOf is the page of a node; its id is "type/id" or the id of its thing. */
export function hrefOf(n: Pick<GraphNode, "id" | "type" | "label">): string {
  const bare = n.id.startsWith(`${n.type}/`)
    ? n.id.slice(n.type.length + 1)
    : n.id.startsWith(`${n.type}=`)
      ? n.id.slice(n.type.length + 1)
      : n.id;
  return n.type === "issue" ? `/issues/${bare}` : entityHref(n.type, bare);
}

/** merge adds a graph to another: what both have is there once. */
export function merge(a: Graph, b: Graph): Graph {
  const nodes = new Map(a.nodes.map((n) => [n.id, n]));
  for (const n of b.nodes ?? []) if (!nodes.has(n.id)) nodes.set(n.id, n);
  const edge = (e: Graph["edges"][number]) => `${e.from}\0${e.to}\0${e.label}`;
  const edges = new Map(a.edges.map((e) => [edge(e), e]));
  for (const e of b.edges ?? []) if (!edges.has(edge(e))) edges.set(edge(e), e);
  return {
    nodes: [...nodes.values()],
    edges: [...edges.values()].filter((e) => nodes.has(e.from) && nodes.has(e.to)),
    cut: a.cut || b.cut,
  };
}

/**
 * star places what hangs on one thing around it, so that the names do not lie over each other:
 * on an ellipse as wide as the box, or on two where there are many. Another shape is undefined.
 */
export function star(g: Graph, root: string | undefined, width: number, height: number) {
  if (!root || !g.nodes.some((n) => n.id === root)) return undefined;
  const near = new Set(g.edges.flatMap((e) => (e.from === root ? [e.to] : e.to === root ? [e.from] : [])));
  // Things of a kind stand beside each other.
  const rest = g.nodes.filter((n) => n.id !== root).toSorted((a, b) => a.type.localeCompare(b.type));
  if (rest.length < 2 || rest.length > 28 || rest.some((n) => !near.has(n.id))) return undefined;
  const two = rest.length > 12;
  const at = new Map([[root, { x: width / 2, y: height / 2 - 10 }]]);
  for (const [i, n] of rest.entries()) {
    const angle = (2 * Math.PI * i) / rest.length - Math.PI / 2;
    const far = two && i % 2 === 1 ? 0.55 : 1;
    at.set(n.id, {
      x: width / 2 + Math.cos(angle) * (width / 2 - 90) * far,
      y: height / 2 - 10 + Math.sin(angle) * (height / 2 - 40) * far,
    });
  }
  return at;
}

/** EntityGraph draws what hangs together; a click expands, a table says the same in words. */
export function EntityGraph({ path, root }: { path: string; root?: string }) {
  const w = useWords(catalogue);
  const core = useCore();
  const lang = useLang();
  const scheme = useScheme();
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<cytoscape.Core | null>(null);
  const [table, setTable] = useState(false);
  const [more, setMore] = useState<Graph>({ nodes: [], edges: [] });
  const asked = useRef(new Set<string>());
  const r = useQuery({
    queryKey: ["graph", path],
    queryFn: ({ signal }) => get<Graph>(`${path}${query({ depth: 1 })}`, signal),
    retry: false,
  });
  const graph = r.data && merge({ nodes: r.data.nodes ?? [], edges: r.data.edges ?? [], cut: r.data.cut }, more);

  const expand = useRef((_: GraphNode) => undefined as unknown);
  expand.current = (n: GraphNode) => {
    if (asked.current.has(n.id)) return;
    asked.current.add(n.id);
    get<Graph>(`${hrefOf(n)}/graph${query({ depth: 1 })}`)
      .then((g) => setMore((m) => merge(m, g)))
      .catch(() => undefined); // what is drawn stays
  };

  useEffect(() => {
    if (!box.current || !graph || table) return;
    const css = getComputedStyle(document.documentElement);
    const v = (name: string) => css.getPropertyValue(name).trim();
    const types = (core.entity as Record<string, string>) ?? {};
    const howWords = w.hows as Record<string, string>;
    takeStyle();
    const before = new Map<string, cytoscape.Position>();
    drawn.current?.nodes().forEach((n) => {
      before.set(n.id(), { ...n.position() });
    });
    drawn.current?.destroy();
    const places = before.size === 0 ? star(graph, root, box.current.clientWidth, box.current.clientHeight) : undefined;
    const cy = cytoscape({
      container: box.current,
      elements: [
        ...graph.nodes.map((n) => ({
          data: {
            ...n, // Where there are many, the shape alone says the kind.
            text: `${cut(plain(n.label || n.id))}${graph.nodes.length > 13 ? "" : `\n${types[n.type] ?? n.type}`}`,
            node: n,
          },
          position: places?.get(n.id) ?? before.get(n.id),
        })),
        ...graph.edges.map((e, i) => ({
          data: {
            id: `edge ${i}`,
            source: e.from,
            target: e.to,
            // That something is involved says the line itself.
            text: e.label === "involves" ? "" : cut(plain(howWords[e.label] ?? e.label), 18),
            width: 1 + Math.min(3, Math.log10(Math.max(1, e.n))),
          },
        })),
      ],
      minZoom: 0.25,
      maxZoom: 1.5,
      style: [
        {
          selector: "node",
          style: {
            "background-color": v("--raised"),
            "border-width": 1.5,
            "border-color": v("--faint"),
            width: 20,
            height: 20,
            label: "data(text)",
            "text-wrap": "wrap",
            "font-size": 11,
            "font-family": css.getPropertyValue("--font"),
            color: v("--text"),
            "text-valign": "bottom",
            "text-margin-y": 4,
            "min-zoomed-font-size": 6,
          },
        },
        { selector: 'node[type = "issue"]', style: { shape: "diamond", "border-color": v("--sev-critical") } },
        ...(["critical", "high", "medium", "low", "none"] as const).map((s) => ({
          selector: `node[severity = "${s}"]`,
          style: { "border-color": v(`--sev-${s}`), "background-color": v(`--sev-${s}`) },
        })),
        { selector: 'node[type = "ip"], node[type = "domain"]', style: { shape: "round-triangle" } },
        { selector: 'node[type = "account"]', style: { shape: "round-rectangle" } },
        { selector: 'node[type = "resource"], node[type = "host"]', style: { shape: "rectangle" } },
        {
          selector: `node[id = "${(root ?? "").replace(/["\\]/g, "")}"]`,
          style: { width: 30, height: 30, "border-width": 3 },
        },
        {
          selector: "edge",
          style: {
            width: "data(width)",
            "line-color": v("--line-strong"),
            "curve-style": "bezier",
            "target-arrow-shape": "triangle",
            "target-arrow-color": v("--line-strong"),
            "arrow-scale": 0.7,
            label: "data(text)",
            "font-size": 8,
            color: v("--faint"),
            "text-background-color": v("--panel"),
            "text-background-opacity": 1,
            "text-background-padding": "1px",
          },
        },
        { selector: ":selected", style: { "border-color": v("--accent"), "border-width": 3 } },
      ] as cytoscape.StylesheetJson,
      layout: (places
        ? { name: "preset", fit: false }
        : {
            name: "cose",
            animate: false,
            randomize: before.size === 0,
            nodeRepulsion: () => 40_000,
            idealEdgeLength: () => 110,
            nodeDimensionsIncludeLabels: true,
            padding: 24,
          }) as cytoscape.LayoutOptions,
    });
    cy.on("tap", "node", (e) => void expand.current(e.target.data("node")));
    cy.on("dbltap", "node", (e) => go(hrefOf(e.target.data("node"))));
    drawn.current = cy;
    const o = new ResizeObserver(() => cy.resize());
    o.observe(box.current);
    return () => o.disconnect();
    // A drawing follows what it draws, and the colours that it is drawn in.
  }, [graph && `${graph.nodes.length} ${graph.edges.length}`, table, scheme, lang, root]);

  useEffect(() => () => drawn.current?.destroy(), []);

  if (r.isPending) return <div className="graph" aria-busy="true" />;
  if (!graph || graph.edges.length === 0) return <p className="dim plain">{w.none}</p>;
  const label = (id: string) => graph.nodes.find((n) => n.id === id);
  return (
    <div>
      <div className="row graph-bar">
        <span className="faint grow">{w.doc}</span>
        {!table && (
          <Button variant="subtle" size="compact-xs" onClick={() => drawn.current?.fit(undefined, 24)}>
            {w.fit}
          </Button>
        )}
        <Button variant="subtle" size="compact-xs" onClick={() => setTable(!table)}>
          {table ? w.picture : w.table}
        </Button>
      </div>
      {table ? (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th>{w.from}</th>
                <th>{w.how}</th>
                <th>{w.to}</th>
                <th className="num">{w.n}</th>
              </tr>
            </thead>
            <tbody>
              {graph.edges.map((e, i) => {
                const a = label(e.from);
                const b = label(e.to);
                return (
                  <tr key={i}>
                    <td>{a && <NodeLink node={a} />}</td>
                    <td className="dim">
                      <Hostile text={(w.hows as Record<string, string>)[e.label] ?? e.label} />
                    </td>
                    <td>{b && <NodeLink node={b} />}</td>
                    <td className="num">{count(e.n, lang)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      ) : (
        <div className="graph" ref={box} role="img" aria-label={w.title} />
      )}
      {graph.cut && <p className="faint plain">{w.cut}</p>}
    </div>
  );
}

function NodeLink({ node }: { node: GraphNode }) {
  return (
    <Link className="mono entity-link" href={hrefOf(node)}>
      <Hostile text={node.label || node.id} />
    </Link>
  );
}

function cut(s: string, n = 24): string {
  const last = /^arn:/.test(s) ? `…${s.slice(Math.max(s.lastIndexOf("/"), s.lastIndexOf(":")))}` : s;
  return last.length > n ? `${last.slice(0, n - 1)}…` : last;
}

/** takeStyle puts a sheet where cytoscape would put one of its own, which the content policy would refuse. */
function takeStyle() {
  const id = "__________cytoscape_stylesheet";
  if (document.getElementById(id)) return;
  const style = document.createElement("style");
  style.id = id;
  style.nonce = nonce();
  style.textContent = ".__________cytoscape_container { position: relative; }";
  document.head.prepend(style);
}
