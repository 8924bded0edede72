// What a browser calls itself, in few words. The text is whatever somebody sent: it is a help to
// recognise one's own sessions by, and no proof of anything.

const browsers: [RegExp, string][] = [
  [/\bEdgA?\/(\d+)/, "Edge"],
  [/\bOPR\/(\d+)/, "Opera"],
  [/\bFirefox\/(\d+)/, "Firefox"],
  [/\b(?:Headless)?Chrome\/(\d+)/, "Chrome"],
  [/\bVersion\/(\d+)[.\d]* (?:Mobile\/\S+ )?Safari\//, "Safari"],
  [/^(?:curl|python-requests|Go-http-client)\/(\d+)/, ""],
];
const systems: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** agentName is "Firefox 131 · macOS", or the beginning of what is no browser. */
export function agentName(agent: string): string {
  for (const [re, name] of browsers) {
    const m = re.exec(agent);
    if (!m) continue;
    if (name === "") return m[0].replace("/", " ");
    const os = systems.find(([r]) => r.test(agent))?.[1];
    return `${name} ${m[1]}${os ? ` · ${os}` : ""}`;
  }
  return agent.length > 60 ? `${agent.slice(0, 60)}…` : agent;
}
