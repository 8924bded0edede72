import type { ReactNode } from "react";
import { setPrefs, useLang } from "../../app/prefs";
import "./gate.css";

/** Gate is the frame of the pages that one sees before one is in. */
export function Gate({ title, tagline, children }: { title: string; tagline: string; children: ReactNode }) {
  const lang = useLang();
  return (
    <div className="gate">
      <main className="gate-box">
        <header>
          <img src="/yagura.svg" alt="" width="36" height="36" />
          <h1>{title}</h1>
          <p className="dim">{tagline}</p>
        </header>
        {children}
      </main>
      <footer>
        <button type="button" lang="en" aria-pressed={lang === "en"} onClick={() => setPrefs({ lang: "en" })}>
          English
        </button>
        <button type="button" lang="ja" aria-pressed={lang === "ja"} onClick={() => setPrefs({ lang: "ja" })}>
          日本語
        </button>
      </footer>
    </div>
  );
}
