/** link is where somebody sets a password by a key; what stands behind # is sent to no server. */
export function link(key: string, origin: string): string {
  return `${origin}/setup#key=${encodeURIComponent(key)}`;
}
