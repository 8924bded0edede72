import { afterEach, expect, it, vi } from "vitest";
import { signOut } from "./sign-out";

afterEach(() => vi.unstubAllGlobals());

async function goesTo(answer: () => Response): Promise<[string[], string[]]> {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (input: string, init?: RequestInit) => {
    asked.push(`${init?.method} ${new URL(input, location.origin).pathname}`);
    return answer();
  });
  const opened: string[] = [];
  await signOut((href) => opened.push(href));
  return [asked, opened];
}

const says = (v: unknown) => () => new Response(JSON.stringify(v), { headers: { "Content-Type": "application/json" } });

it("ends the session and goes where the identity provider ends its own", async () => {
  const [asked, opened] = await goesTo(says({ provider: "https://id.example/logout?client_id=yagura" }));
  expect(asked).toEqual(["POST /api/v1/sign-out"]);
  expect(opened).toEqual(["https://id.example/logout?client_id=yagura"]);
});

it("goes to the sign-in page where there is no provider, whatever the answer", async () => {
  for (const answer of [
    () => new Response(null, { status: 204 }),
    says({}),
    says({ provider: "" }),
    says({ provider: "javascript:alert(1)" }),
    () => new Response("{}", { status: 401 }),
    () => new Response("nonsense"),
  ])
    expect((await goesTo(answer))[1]).toEqual(["/sign-in"]);
});
