// Starts the real binary on a folder of its own, with the sample logs to read, and ends it.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** binary is what is driven: CONSOLE_BIN, or bin/yagura of this repository. */
export const binary = process.env.CONSOLE_BIN ?? resolve(import.meta.dirname, "../../bin/yagura");

// The binary refuses variables of its own prefix that it does not know; this run has none.
const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith("YAGURA_")));

/** start runs `yagura serve` and answers with its address and set-up link when it is ready. */
export async function start() {
  const dir = mkdtempSync(join(tmpdir(), "yagura-e2e-"));
  const logs = join(dir, "logs");
  const saved = spawnSync(binary, ["demo", "--save", logs], { encoding: "utf8", env });
  if (saved.status !== 0) throw new Error(`yagura demo --save: ${saved.stderr}`);
  const config = join(dir, "yagura.yaml");
  writeFileSync(
    config,
    `data: ${join(dir, "data")}
server:
  listen: 127.0.0.1:0
lake:
  flush: 2s
sources:
  - name: samples
    folder:
      paths: [${logs}]
`,
  );
  const child = spawn(binary, ["serve", "--config", config, "--i-accept-loss"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  let found;
  let timer;
  const link = new Promise((ok, no) => {
    found = (text) => {
      log += text;
      const m = /"link":"([^"]+)"/.exec(log);
      if (m) ok(m[1]);
    };
    child.on("exit", (code) => no(new Error(`yagura serve ended with ${code}:\n${log}`)));
    timer = setTimeout(() => no(new Error(`yagura serve named no set-up link in 60 s:\n${log}`)), 60_000);
  });
  child.stderr.setEncoding("utf8").on("data", (text) => found(text));
  const stop = async () => {
    if (child.exitCode === null) {
      const gone = new Promise((ok) => child.on("exit", ok));
      child.kill("SIGTERM");
      await Promise.race([gone, new Promise((ok) => setTimeout(ok, 15_000))]);
    }
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const setup = await link;
    clearTimeout(timer);
    return { url: new URL(setup).origin, setup, stop, log: () => log };
  } catch (err) {
    clearTimeout(timer);
    await stop();
    throw err;
  }
}
