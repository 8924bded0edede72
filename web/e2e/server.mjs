// Starts the real binary on a folder of its own, with logs to read, and ends it.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** binary is what is driven: CONSOLE_BIN, or bin/yagura of this repository. */
export const binary = process.env.CONSOLE_BIN ?? resolve(import.meta.dirname, "../../bin/yagura");

// The binary refuses variables of its own prefix that it does not know; this run has none.
const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith("YAGURA_")));

/** samples writes the sample logs of one night. */
export function samples(logs) {
  const saved = spawnSync(binary, ["demo", "--save", logs], { encoding: "utf8", env });
  if (saved.status !== 0) throw new Error(`yagura demo --save: ${saved.stderr}`);
}

/**
 * start runs `yagura serve` and answers with its address and set-up link when it is ready.
 * write puts logs into a folder, and answers with what else the configuration says; port 0 is any
 * that is free.
 */
export async function start(write = samples, port = 0) {
  const dir = mkdtempSync(join(tmpdir(), "yagura-e2e-"));
  const logs = join(dir, "logs");
  mkdirSync(logs);
  const more = (await write(logs, dir)) ?? "";
  const config = join(dir, "yagura.yaml");
  writeFileSync(
    config,
    `data: ${join(dir, "data")}
server:
  listen: 127.0.0.1:${port}
lake:
  flush: 2s
sources:
  - name: samples
    folder:
      paths: [${logs}]
${more}`,
  );
  const run = child(["serve", "--config", config, "--i-accept-loss"], "stderr", /"link":"([^"]+)"/, 60_000, dir);
  const setup = await run.link;
  return { url: new URL(setup).origin, setup, stop: run.stop, log: run.log };
}

/** demo runs `yagura demo` and answers with its address and the link that signs in once. */
export async function demo() {
  const dir = mkdtempSync(join(tmpdir(), "yagura-e2e-"));
  const args = ["demo", "--listen", "127.0.0.1:0", "--data", dir, "--no-browser", "--lang", "en"];
  const run = child(args, "stdout", /(http:\S+\/auth\/demo\?key=\S+)/, 240_000, dir);
  const link = await run.link;
  return { url: new URL(link).origin, link, stop: run.stop, log: run.log };
}

/** child runs the binary until stop; link is what it says on one of its outputs within a time. */
function child(args, output, says, within, dir) {
  const run = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], env });
  let log = "";
  let timer;
  const stop = async () => {
    if (run.exitCode === null && run.signalCode === null) {
      const gone = new Promise((ok) => run.on("exit", ok));
      run.kill("SIGTERM");
      await Promise.race([gone, new Promise((ok) => setTimeout(ok, 15_000))]);
    }
    rmSync(dir, { recursive: true, force: true });
  };
  const link = new Promise((ok, no) => {
    let said = "";
    for (const name of ["stdout", "stderr"])
      run[name].setEncoding("utf8").on("data", (text) => {
        log += text;
        if (name !== output) return;
        said += text;
        const m = says.exec(said);
        if (m) ok(m[1]);
      });
    run.on("error", no);
    run.on("exit", (code) => no(new Error(`yagura ${args[0]} ended with ${code}:\n${log}`)));
    timer = setTimeout(() => no(new Error(`yagura ${args[0]} named no link in ${within / 1000} s:\n${log}`)), within);
  })
    .finally(() => clearTimeout(timer))
    .catch(async (err) => {
      await stop();
      throw err;
    });
  return { link, stop, log: () => log };
}
