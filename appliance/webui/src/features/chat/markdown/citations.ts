import type { Element, ElementContent, Root } from "hast";

const mark = /\[(\d{1,3})\]/g;
const skipped: ReadonlySet<string> = new Set(["code", "pre", "a"]);

/** A rehype plugin: turns `[3]` in running text into `<cite data-number="3">`, but not in code or links. */
export function rehypeCitations() {
  return (tree: Root) => {
    markChildren(tree);
  };
}

function markChildren(parent: Root | Element): void {
  const children: ElementContent[] = [];
  for (const child of parent.children as ElementContent[]) {
    if (child.type === "text") {
      children.push(...splitText(child.value));
      continue;
    }
    if (child.type === "element" && !skipped.has(child.tagName)) markChildren(child);
    children.push(child);
  }
  parent.children = children;
}

export function splitText(text: string): ElementContent[] {
  const parts: ElementContent[] = [];
  let end = 0;
  for (const match of text.matchAll(mark)) {
    if (match.index > end) parts.push({ type: "text", value: text.slice(end, match.index) });
    parts.push({
      type: "element",
      tagName: "cite",
      properties: { dataNumber: match[1] },
      children: [{ type: "text", value: match[0] }],
    });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ type: "text", value: text.slice(end) });
  return parts;
}
