// The list of pages: addresses, names, keys and permissions. Each page is a chunk of its own.
import type { ComponentType } from "react";
import type { Permission } from "../api/types";
import type { en } from "../i18n/en";
import type { IconName } from "../ui/Icon";

export interface PageDef {
  path: string;
  /** Exports Page. */
  load: () => Promise<{ Page: ComponentType }>;
  /** In the navigation, with its icon and the second key after g. */
  nav?: { name: keyof typeof en.nav; icon: IconName; key?: string; group: "main" | "detection" | "operation" };
  permission?: Permission;
  /** Without session and shell: sign-in and set-up. */
  bare?: boolean;
}

export const pages: PageDef[] = [
  { path: "/sign-in", load: () => import("../pages/sign-in/Page"), bare: true },
  { path: "/setup", load: () => import("../pages/setup/Page"), bare: true },
  {
    path: "/",
    load: () => import("../pages/overview/Page"),
    nav: { name: "overview", icon: "overview", key: "o", group: "main" },
  },
  {
    path: "/issues",
    load: () => import("../pages/issues/Page"),
    nav: { name: "issues", icon: "issue", key: "i", group: "main" },
  },
  { path: "/issues/$id", load: () => import("../pages/issue/Page") },
  {
    path: "/hunt",
    load: () => import("../pages/hunt/Page"),
    nav: { name: "hunt", icon: "hunt", key: "h", group: "main" },
    permission: "hunt",
  },
  {
    path: "/events",
    load: () => import("../pages/events/Page"),
    nav: { name: "events", icon: "events", key: "v", group: "main" },
  },
  { path: "/events/$key", load: () => import("../pages/event/Page") },
  { path: "/findings", load: () => import("../pages/findings/Page") },
  { path: "/findings/$id", load: () => import("../pages/finding/Page") },
  {
    path: "/entities",
    load: () => import("../pages/entities/Page"),
    nav: { name: "entities", icon: "entities", key: "e", group: "main" },
  },
  { path: "/accounts", load: () => import("../pages/accounts/Page") },
  { path: "/entities/$type/$id", load: () => import("../pages/entity/Page") },
  {
    path: "/rules",
    load: () => import("../pages/rules/Page"),
    nav: { name: "rules", icon: "rules", key: "r", group: "detection" },
  },
  { path: "/rules/$id", load: () => import("../pages/rule/Page") },
  {
    path: "/policy",
    load: () => import("../pages/policy/Page"),
    nav: { name: "policy", icon: "policy", key: "p", group: "detection" },
  },
  { path: "/suppressions", load: () => import("../pages/suppressions/Page") },
  {
    path: "/documents",
    load: () => import("../pages/documents/Page"),
    nav: { name: "documents", icon: "documents", key: "d", group: "detection" },
  },
  {
    path: "/sources",
    load: () => import("../pages/sources/Page"),
    nav: { name: "sources", icon: "sources", key: "c", group: "operation" },
  },
  {
    path: "/sinks",
    load: () => import("../pages/sinks/Page"),
    nav: { name: "sinks", icon: "sinks", key: "n", group: "operation" },
  },
  {
    path: "/ledger",
    load: () => import("../pages/ledger/Page"),
    nav: { name: "ledger", icon: "ledger", key: "l", group: "operation" },
  },
  {
    path: "/audit",
    load: () => import("../pages/audit/Page"),
    nav: { name: "audit", icon: "audit", key: "a", group: "operation" },
    permission: "manage",
  },
  {
    path: "/settings",
    load: () => import("../pages/settings/Page"),
    nav: { name: "settings", icon: "settings", key: "s", group: "operation" },
  },
];

/** home is where / leads while there is no page of that address. */
export const home = "/issues";
