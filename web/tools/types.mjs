// Writes the TypeScript types of the API, src/api/schema.ts, from its description in
// docs/openapi.json: npm run types. With --check it writes nothing and fails where the file is
// not what it would write. What it does not know in the description is an error: a type that
// is guessed is worse than none.
import { readFileSync, writeFileSync } from "node:fs";

const name = /^[A-Za-z_$][\w$]*$/;
const key = (k) => (name.test(k) ? k : JSON.stringify(k));
const comment = (text, indent = "") => (text ? `${indent}/** ${text.replaceAll("*/", "*\\/")} */\n` : "");

/** typeOf returns the type of a schema. */
function typeOf(schema, indent, at) {
  if (schema.$ref) {
    const [, to] = /^#\/components\/schemas\/(\w+)$/.exec(schema.$ref) ?? [];
    if (!to) throw new Error(`${at}: no reference to a schema: ${schema.$ref}`);
    return to;
  }
  if (schema.allOf) return schema.allOf.map((s) => typeOf(s, indent, at)).join(" & ");
  if (schema.anyOf) return schema.anyOf.map((s) => typeOf(s, indent, at)).join(" | ");
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(" | ");
  switch (schema.type) {
    case undefined: {
      const more = Object.keys(schema).filter((k) => k !== "description");
      if (more.length > 0) throw new Error(`${at}: no type for ${more.join(", ")}`);
      return "unknown";
    }
    case "string": // of a time and of bytes in base64 too
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
    case "null":
      return schema.type;
    case "array": {
      const of = typeOf(schema.items, indent, `${at}[]`);
      return / [|&] /.test(of) ? `(${of})[]` : `${of}[]`;
    }
    case "object":
      if (schema.properties === undefined && schema.additionalProperties)
        return `Record<string, ${typeOf(schema.additionalProperties, indent, `${at}{}`)}>`;
      return fields(schema, indent, at);
  }
  throw new Error(`${at}: no type for ${JSON.stringify(schema.type)}`);
}

/** fields returns the body of an object's type: what is not required may be absent. */
function fields(schema, indent, at) {
  if (schema.additionalProperties !== false) throw new Error(`${at}: an object of more than its fields`);
  const lines = Object.entries(schema.properties ?? {}).map(([k, s]) => {
    const optional = schema.required?.includes(k) ? "" : "?";
    const inner = `${indent}  `;
    return `${comment(s.description, inner)}${inner}${key(k)}${optional}: ${typeOf(s, inner, `${at}.${k}`)};\n`;
  });
  return lines.length > 0 ? `{\n${lines.join("")}${indent}}` : "Record<string, never>";
}

/** operationOf returns what an operation takes and answers. */
function operationOf(method, path, op) {
  const params = op.parameters ?? [];
  const query = params.filter((p) => p.in === "query");
  const body = op.requestBody?.content["application/json"].schema;
  const good = Object.entries(op.responses).filter(([status]) => status !== "default");
  if (good.length !== 1) throw new Error(`${op.operationId}: ${good.length} good answers`);
  const content = good[0][1].content ?? {};
  const json = content["application/json"]?.schema;
  const answer = json ? typeOf(json, "    ", op.operationId) : Object.keys(content).length > 0 ? "string" : "undefined";
  const asked = {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(query.map((p) => [p.name, { description: p.description, ...p.schema }])),
    required: query.filter((p) => p.required).map((p) => p.name),
  };
  return [
    `${comment(op.summary, "  ")}  ${key(op.operationId)}: {`,
    `    method: ${JSON.stringify(method.toUpperCase())};`,
    `    path: ${JSON.stringify(path)};`,
    `    query: ${fields(asked, "    ", op.operationId)};`,
    `    body: ${body ? typeOf(body, "    ", op.operationId) : "undefined"};`,
    `    answer: ${answer};`,
    "  };\n",
  ].join("\n");
}

/** types returns the text of schema.ts. */
export function types(description) {
  const out = ["// Made from docs/openapi.json by npm run types, and never edited by hand.\n"];
  for (const [n, s] of Object.entries(description.components.schemas)) {
    out.push(
      s.type === "object" && s.properties
        ? `${comment(s.description)}export interface ${n} ${fields(s, "", n)}\n`
        : `${comment(s.description)}export type ${n} = ${typeOf(s, "", n)};\n`,
    );
  }
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, op]) => operationOf(method, path, op)),
  );
  out.push(
    `/** Operations are what every operation takes and answers, by its id. */\nexport interface Operations {\n${operations.join("")}}\n`,
  );
  return out.join("\n");
}

// Run by itself, and not by the test of it.
if (process.argv[1]?.endsWith("types.mjs")) {
  const from = new URL("../../docs/openapi.json", import.meta.url);
  const to = new URL("../src/api/schema.ts", import.meta.url);
  const text = types(JSON.parse(readFileSync(from, "utf8")));
  if (!process.argv.includes("--check")) writeFileSync(to, text);
  else if (readFileSync(to, "utf8") !== text) {
    console.error("src/api/schema.ts is not what docs/openapi.json says: npm run types");
    process.exit(1);
  }
}
