// Which build of the console this page is, and what to do when the server has another.

/** buildOf is the build that the page was loaded from; "" in development. */
export function buildOf(): string {
  return new URL(import.meta.url).searchParams.get("v") ?? "";
}

const KEY = "yagura.reloaded";

/** reloadOnce loads the page anew, once for each new build: never in a circle. */
export function reloadOnce(build: string): boolean {
  try {
    if (sessionStorage.getItem(KEY) === build) return false;
    sessionStorage.setItem(KEY, build);
  } catch {
    return false; // without a memory there is no telling a circle
  }
  location.reload();
  return true;
}

/** isStale says whether an error is a chunk that the server has no more. */
export function isStale(err: unknown): boolean {
  return err instanceof TypeError && /dynamically imported module|module script|preload/i.test(err.message);
}
