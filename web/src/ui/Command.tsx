import { CopyButton } from "./Copy";

/** Command is a line for a shell, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <div className="empty-code">
      <pre>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}
