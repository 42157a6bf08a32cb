import type { Element, ElementContent, Root, Text } from "hast";

const mark = /\[(\d{1,3})\]/g;
/** What may not stand alone at the start of a line. */
const closing = /^[.,;:!?)。、）]/;
const longestWord = 24;
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

/** Exported for its test: the parts of a text, each mark in one unbreakable span with the word it follows. */
export function splitText(text: string): ElementContent[] {
  const parts: ElementContent[] = [];
  let end = 0;
  for (const match of text.matchAll(mark)) {
    const before = text.slice(end, match.index);
    const word = lastWord(before);
    const after = closing.exec(text.slice(match.index + match[0].length))?.[0] ?? "";
    if (before.length > word.length) parts.push(textNode(before.slice(0, before.length - word.length)));
    parts.push({
      type: "element",
      tagName: "span",
      properties: { className: ["with-citation"] },
      children: [
        ...(word ? [textNode(word)] : []),
        {
          type: "element",
          tagName: "cite",
          properties: { dataNumber: match[1] },
          children: [textNode(match[0])],
        },
        ...(after ? [textNode(after)] : []),
      ],
    });
    end = match.index + match[0].length + after.length;
  }
  if (end < text.length) parts.push(textNode(text.slice(end)));
  return parts;
}

const textNode = (value: string): Text => ({ type: "text", value });

/** With the space behind it; only its end where "words" are long, as in Japanese. */
function lastWord(text: string): string {
  const word = /\S* ?$/.exec(text)?.[0] ?? "";
  return word.length > longestWord ? word.slice(-2) : word;
}
