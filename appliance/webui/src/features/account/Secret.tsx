import { CopyButton } from "@/ui/CopyButton";
import { Notice } from "@/ui/Notice";

/** A key or password that is on the screen once and never again. */
export function Secret({ text, note }: { text: string; note: string }) {
  return (
    <Notice tone="warning" role="status">
      <p>{note}</p>
      <p className="secret">
        <code className="secret__text">{text}</code>
        <CopyButton text={text} />
      </p>
    </Notice>
  );
}
