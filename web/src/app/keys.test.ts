import { afterEach, describe, expect, it, vi } from "vitest";
import { press, register, show } from "./keys";

const gone: (() => void)[] = [];
afterEach(() => {
  for (const g of gone.splice(0)) g();
  document.body.innerHTML = "";
});

function on(keys: string, run = vi.fn(), always = false) {
  gone.push(register([{ keys, label: keys, group: "", run, always }]));
  return run;
}

function key(key: string, init: KeyboardEventInit & { at?: HTMLElement; time?: number } = {}) {
  const e = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
  Object.defineProperty(e, "target", { value: init.at ?? document.body });
  return press(e, init.time ?? 0);
}

describe("keys", () => {
  it("runs what was registered last, and what was before once that is gone", () => {
    const list = on("j");
    const panel = vi.fn();
    const leave = register([{ keys: "j", label: "", group: "", run: panel }]);
    key("j");
    expect([list.mock.calls.length, panel.mock.calls.length]).toEqual([0, 1]);
    leave();
    key("j");
    expect(list).toHaveBeenCalledTimes(1);
  });
  it("hears sequences, and forgets a beginning that is old", () => {
    const go = on("g i");
    const i = on("i");
    key("g", { time: 0 });
    key("i", { time: 500 });
    expect([go.mock.calls.length, i.mock.calls.length]).toEqual([1, 0]);
    key("g", { time: 1000 });
    key("i", { time: 5000 });
    expect([go.mock.calls.length, i.mock.calls.length]).toEqual([1, 1]);
  });
  it("leaves letters to those who write, but for keys that always work", () => {
    const a = on("a");
    const palette = on("mod+k", vi.fn(), true);
    const input = document.body.appendChild(document.createElement("input"));
    expect(key("a", { at: input })).toBe(false);
    key("k", { at: input, ctrlKey: true });
    expect([a.mock.calls.length, palette.mock.calls.length]).toEqual([0, 1]);
    const box = document.body.appendChild(document.createElement("input"));
    box.type = "checkbox";
    key("a", { at: box });
    expect(a).toHaveBeenCalledTimes(1);
  });
  it("moves nothing below a form or menu that is open", () => {
    const j = on("j");
    const leave = on("Escape");
    for (const role of ["dialog", "menu"]) {
      const over = document.body.appendChild(document.createElement("div"));
      over.setAttribute("role", role);
      const button = over.appendChild(document.createElement("button"));
      expect(key("j", { at: button })).toBe(false);
      expect(key("Escape", { at: button })).toBe(false);
    }
    expect([j.mock.calls.length, leave.mock.calls.length]).toEqual([0, 0]);
  });
  it("leaves keys to an input method that composes", () => {
    const a = on("a");
    expect(key("a", { isComposing: true })).toBe(false);
    expect(a).not.toHaveBeenCalled();
  });
  it("leaves Enter to the button that has the focus", () => {
    const open = on("Enter");
    const button = document.body.appendChild(document.createElement("button"));
    key("Enter", { at: button });
    expect(open).not.toHaveBeenCalled();
    key("Enter");
    expect(open).toHaveBeenCalledTimes(1);
  });
  it("knows ? though it needs Shift", () => {
    const sheet = on("?");
    key("?", { shiftKey: true });
    expect(sheet).toHaveBeenCalledTimes(1);
  });
  it("does not take what the browser has with Alt, nor Ctrl-a for a", () => {
    const a = on("a");
    key("a", { altKey: true });
    key("a", { ctrlKey: true });
    expect(a).not.toHaveBeenCalled();
  });
  it("writes keys for people", () => {
    expect(show("g i")).toEqual(["g", "i"]);
    expect(show("mod+k")).toEqual(["Ctrl K"]);
    expect(show("Escape")).toEqual(["Esc"]);
  });
});
