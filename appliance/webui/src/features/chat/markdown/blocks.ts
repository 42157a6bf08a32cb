/**
 * Cuts Markdown into top-level blocks at blank lines, never inside a code fence, so that while text streams in
 * only the last block is parsed again. Indented lines and list items stay with what is above them.
 */
export function splitBlocks(markdown: string): string[] {
  const blocks: string[] = [];
  let current: string[] = [];
  let fence: string | null = null;
  let blankBefore = false;
  for (const line of markdown.split("\n")) {
    const marker = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? null;
    const startsBlock = blankBefore && fence === null && line.trim() !== "" && !continuesBlock(line);
    if (startsBlock && current.length > 0) {
      blocks.push(current.join("\n").trimEnd());
      current = [];
    }
    if (marker && fence === null) fence = marker;
    else if (marker && fence !== null && closes(marker, fence, line)) fence = null;
    current.push(line);
    blankBefore = line.trim() === "";
  }
  const last = current.join("\n").trimEnd();
  if (last !== "") blocks.push(last);
  return blocks;
}

const closes = (marker: string, fence: string, line: string) =>
  marker[0] === fence[0] && marker.length >= fence.length && line.trim() === marker;

/** Part of a list that has blank lines between its items, or an indented paragraph of one. */
const continuesBlock = (line: string) => /^(\s{2,}|\s*([-*+]|\d{1,9}[.)])\s)/.test(line);
