import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

afterEach(() => cleanup());

// jsdom has no matchMedia; the console asks it for the theme of the system alone.
window.matchMedia ??= (query: string) =>
  ({ matches: false, media: query, addEventListener() {}, removeEventListener() {} }) as unknown as MediaQueryList;

// Nor has it fonts that load later, which a text field that grows waits for.
if (!document.fonts)
  Object.defineProperty(document, "fonts", { value: { addEventListener() {}, removeEventListener() {} } });
