import { post } from "../api/client";
import { flush } from "./undo";

/**
 * signOut sends what is held, ends the session and shows the sign-in page, or the identity
 * provider's own where its session ends with ours.
 */
export async function signOut(open: (href: string) => void = (href) => location.assign(href)) {
  await flush(false);
  const said = await post<{ provider?: string } | undefined>("/sign-out", {}, { quiet: true }).catch(() => undefined);
  const provider = said?.provider;
  open(provider && /^https?:\/\//i.test(provider) ? provider : "/sign-in");
}
