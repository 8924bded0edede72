import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { flush, flushOnLeave, hold, holdMs, undoLast, useOverlay, useToasts } from "./undo";

beforeEach(() => vi.useFakeTimers());
afterEach(async () => {
  await act(() => flush(false));
  vi.useRealTimers();
});

const is = { id: "1", status: "open" };

describe("undo", () => {
  it("shows a change at once, holds it for five seconds and then sends it", async () => {
    const send = vi.fn(async () => undefined);
    const { result } = renderHook(() => useOverlay());
    act(() => void hold({ label: "closed", send, shows: [{ key: "issue/1", change: { status: "closed" } }] }));
    expect(result.current("issue/1", is)).toEqual({ id: "1", status: "closed" });
    expect(result.current("issue/2", is)).toBe(is);
    await act(() => vi.advanceTimersByTimeAsync(holdMs - 1));
    expect(send).not.toHaveBeenCalled();
    await act(() => vi.advanceTimersByTimeAsync(1));
    expect(send).toHaveBeenCalledExactlyOnceWith(false);
    expect(result.current("issue/1", is)).toBe(is);
  });
  it("sends nothing that was undone", async () => {
    const send = vi.fn(async () => undefined);
    act(() => void hold({ label: "closed", send, shows: [{ key: "issue/1", change: { status: "closed" } }] }));
    let undone = false;
    act(() => {
      undone = undoLast();
    });
    expect(undone).toBe(true);
    await act(() => vi.advanceTimersByTimeAsync(holdMs * 2));
    expect(send).not.toHaveBeenCalled();
    expect(renderHook(() => useOverlay()).result.current("issue/1", is)).toBe(is);
    expect(undoLast()).toBe(false);
  });
  it("sends what is held when the page goes, once", async () => {
    const send = vi.fn(async () => undefined);
    flushOnLeave();
    act(() => void hold({ label: "closed", send }));
    act(() => void window.dispatchEvent(new Event("pagehide")));
    expect(send).toHaveBeenCalledExactlyOnceWith(true);
    await act(() => vi.advanceTimersByTimeAsync(holdMs));
    expect(send).toHaveBeenCalledTimes(1);
  });
  it("takes a change back that the server refused, and says so", async () => {
    const { result } = renderHook(() => ({ lay: useOverlay(), toasts: useToasts() }));
    const send = async () => {
      throw new Error("another was faster");
    };
    act(() => void hold({ label: "closed", send, shows: [{ key: "issue/1", change: { status: "closed" } }] }));
    await act(() => vi.advanceTimersByTimeAsync(holdMs));
    expect(result.current.lay("issue/1", is)).toBe(is);
    expect(result.current.toasts.at(-1)).toMatchObject({
      kind: "error",
      label: "closed",
      detail: "another was faster",
    });
  });
  it("lays later changes over earlier ones", () => {
    act(
      () =>
        void hold({
          label: "a",
          send: async () => undefined,
          shows: [{ key: "issue/1", change: { status: "closed", assignee: "mary" } }],
        }),
    );
    act(
      () =>
        void hold({ label: "b", send: async () => undefined, shows: [{ key: "issue/1", change: { status: "open" } }] }),
    );
    expect(renderHook(() => useOverlay()).result.current("issue/1", is)).toEqual({
      id: "1",
      status: "open",
      assignee: "mary",
    });
  });
});
