import { createHash } from "node:crypto";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The names of the built files carry no hash, so that dist/ has small differences in git. So
// that a page that was loaded from an older build never mixes with the chunks of a newer one,
// every address of a file carries the build instead: ?v= and a hash over everything. The
// server refuses another build than its own, and the page then loads itself anew, once.
function build(): Plugin {
  return {
    name: "yagura-build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const names = Object.keys(bundle)
          .filter((n) => n.startsWith("assets/"))
          .sort();
        const hash = createHash("sha256");
        for (const name of names) {
          const f = bundle[name]!;
          hash.update(name).update("\0");
          hash.update(f.type === "chunk" ? f.code : f.source).update("\0");
        }
        const v = hash.digest("hex").slice(0, 12);
        const base = names.map((n) => n.slice("assets/".length)).map((n) => n.replaceAll(".", "\\."));
        const place = new RegExp(`(["'\`(](?:\\./|/?assets/))(${base.join("|")})(?=["'\`)])`, "g");
        for (const f of Object.values(bundle)) {
          if (f.type === "chunk") f.code = f.code.replace(place, `$1$2?v=${v}`);
          else if (/\.(html|css)$/.test(f.fileName)) f.source = String(f.source).replace(place, `$1$2?v=${v}`);
        }
      },
    },
  };
}

// Of Mantine's palette the console takes greys, blue, red, green and yellow; the variables of the
// other colours would be a tenth of its style sheets.
function fewerColours(): Plugin {
  return {
    name: "yagura-colours",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("default-css-variables.css")) return;
      return code.replace(/--mantine-color-(pink|grape|violet|indigo|cyan|teal|lime|orange)-[\w-]+:[^;}]+;?/g, "");
    },
  };
}

const api = process.env.YAGURA_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), fewerColours(), build()],
  server: { port: 5173, proxy: { "/api": api, "/auth": api } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        entryFileNames: "assets/[name].js",
        // Every page folder has a Page.tsx: its chunk is called by the folder.
        chunkFileNames: (c) => {
          const page = /\/pages\/([\w-]+)\/Page\.tsx$/.exec(c.facadeModuleId ?? "")?.[1];
          return page ? `assets/page-${page}.js` : "assets/[name].js";
        },
        codeSplitting: {
          groups: [
            {
              name: "vendor",
              test: /node_modules\/(react|react-dom|scheduler|@tanstack\/(react-router|router-core|history|react-query|query-core|react-store|store))\//,
            },
          ],
        },
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}", "e2e/**/*.test.ts", "tools/**/*.test.mjs"],
    setupFiles: ["src/test.ts"],
  },
});
