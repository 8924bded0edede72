import { expect, test } from "vitest";
import { types } from "./types.mjs";

const of = (properties, required = []) =>
  types({
    paths: {},
    components: { schemas: { A: { type: "object", additionalProperties: false, properties, required } } },
  });

test("what may be absent, null, one of few, or a time", () => {
  expect(
    of(
      {
        absent: { type: "string" },
        few: { type: "string", enum: ["on", ""] },
        list: { type: "array", items: { enum: ["a", "b"], type: "string" } },
        "of-each": { type: "object", additionalProperties: { type: "integer" } },
        nothing: { anyOf: [{ $ref: "#/components/schemas/A" }, { type: "null" }] },
        said: { allOf: [{ $ref: "#/components/schemas/A" }], description: "As it was. */ let x" },
        at: { type: "string", format: "date-time" },
        any: { description: "Whatever it is." },
      },
      ["few", "list", "of-each", "nothing", "said", "at", "any"],
    ),
  ).toContain(`export interface A {
  absent?: string;
  few: "on" | "";
  list: ("a" | "b")[];
  "of-each": Record<string, number>;
  nothing: A | null;
  /** As it was. *\\/ let x */
  said: A;
  at: string;
  /** Whatever it is. */
  any: unknown;
}`);
});

test("an operation has its query, its body and its answer", () => {
  const schema = { type: "object", additionalProperties: false, properties: { a: { type: "boolean" } } };
  expect(
    types({
      components: { schemas: {} },
      paths: {
        "/x/{id}": {
          put: {
            operationId: "putX",
            summary: "Write one",
            parameters: [
              { in: "path", name: "id", required: true, schema: { type: "string" } },
              { in: "query", name: "n", schema: { type: "integer" } },
            ],
            requestBody: { content: { "application/json": { schema } } },
            responses: { 204: { description: "Done." }, default: {} },
          },
        },
      },
    }),
  ).toContain(`  /** Write one */
  putX: {
    method: "PUT";
    path: "/x/{id}";
    query: {
      n?: number;
    };
    body: {
      a?: boolean;
    };
    answer: undefined;
  };
`);
});

test("what is not known is refused", () => {
  expect(() => of({ a: { type: "tuple" } })).toThrow('A.a: no type for "tuple"');
  expect(() => of({ a: { oneOf: [] } })).toThrow("A.a: no type for oneOf");
  expect(() => of({ a: { $ref: "other.json#/A" } })).toThrow("A.a: no reference to a schema");
  expect(() => of({ a: { type: "object", properties: {} } })).toThrow("A.a: an object of more than its fields");
});
