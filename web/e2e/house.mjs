// What the pages are visited on: the sample logs, and around them everything that a page can
// show: accounts with names, documents, a record that cannot be read, a sink that takes what it
// is sent but one kind of message, and a provider of identities.
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { samples } from "./server.mjs";

/** freePort is one that nobody listens on: a server with an identity provider has to know its own address. */
export async function freePort() {
  const server = createServer();
  await new Promise((ok) => server.listen(0, "127.0.0.1", ok));
  const { port } = server.address();
  await new Promise((ok) => server.close(ok));
  return port;
}

/** neighbour is the sink and the identity provider, on loopback. */
export async function neighbour() {
  const server = createServer((req, res) => {
    if (req.url === "/.well-known/openid-configuration") {
      const at = `http://127.0.0.1:${server.address().port}`;
      res.setHeader("Content-Type", "application/json");
      res.end(
        JSON.stringify({
          issuer: at,
          authorization_endpoint: `${at}/authorize`,
          token_endpoint: `${at}/token`,
          jwks_uri: `${at}/keys`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
          code_challenge_methods_supported: ["S256"],
        }),
      );
      return;
    }
    let body = "";
    req.setEncoding("utf8").on("data", (text) => (body += text));
    req.on("end", () => {
      res.statusCode = body.includes("GuardDuty") ? 404 : 204;
      res.end();
    });
  });
  await new Promise((ok) => server.listen(0, "127.0.0.1", ok));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((ok) => server.close(ok)) };
}

/** furnish writes the logs, and answers with the rest of the configuration of a server on a port. */
export const furnish = (url, port) => (logs, dir) => {
  samples(logs);
  writeFileSync(
    join(logs, "cut.jsonl"),
    '{"eventVersion":"1.08","eventSource":"iam.amazonaws.com","eventName":"CreateUser","userIdentity":{"type":"IAMUs\n',
  );
  const documents = join(dir, "documents");
  mkdirSync(join(documents, "runbooks"), { recursive: true });
  writeFileSync(
    join(documents, "runbooks", "trail.md"),
    "# CloudTrail was stopped\n\nDo this first.\n\n## Find out\n\n1. Who called `StopLogging`?\n2. From which address?\n\n## Act\n\nStart the trail again.\n\n## Afterwards\n\n| what | who |\n|---|---|\n| key | platform |\n",
  );
  writeFileSync(
    join(documents, "runbooks", "trail.ja.md"),
    "# CloudTrail が停止された場合\n\n最初に行うことです。\n\n## 確認\n\n1. `StopLogging` を呼んだのは誰か\n2. どのアドレスからか\n\n## 対応\n\n証跡の記録を再開します。\n\n## 事後\n\n| 内容 | 担当 |\n|---|---|\n| キー | 基盤チーム |\n",
  );
  return `documents: ${documents}
accounts:
  "111122223333": {name: shop, owner: platform, environment: prod}
  example-analytics: {name: analytics, owner: data}
  00000000-0000-4000-8000-000000000001: {name: Example (Entra ID)}
sinks:
  - name: on-call
    webhook: {url: "${url}/hook", allow_http: true, allow_private: true}
console:
  url: http://127.0.0.1:${port}
  oidc:
    - name: example
      label: Example
      issuer: ${url}
      client_id: console
      allow_private: true
      roles:
        - {group: security, role: responder}
        - {group: shop, role: viewer, accounts: ["111122223333"]}
`;
};
