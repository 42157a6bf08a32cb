/** Finds a quoted text in a block although line breaks and spaces differ, and says where in the original it is. */

export type Range = [start: number, end: number];

const shortestPiece = 12;

interface Squeezed {
  text: string;
  /** The place in the original of each character kept. */
  origin: number[];
}

/** Drops all white space, which also makes Japanese with line breaks comparable, and folds case and width. */
function squeeze(original: string): Squeezed {
  let text = "";
  const origin: number[] = [];
  let place = 0;
  for (const character of original) {
    const folded = character.normalize("NFKC").toLowerCase().replace(/\s/g, "");
    text += folded;
    for (let step = 0; step < folded.length; step += 1) origin.push(place);
    place += character.length;
  }
  return { text, origin };
}

function locate(blockText: string, block: Squeezed, wanted: string): Range[] {
  const ranges: Range[] = [];
  let at = wanted === "" ? -1 : block.text.indexOf(wanted);
  while (at >= 0) {
    const last = block.origin[at + wanted.length - 1] ?? 0;
    const lastLength = (blockText.codePointAt(last) ?? 0) > 0xffff ? 2 : 1;
    ranges.push([block.origin[at] ?? 0, last + lastLength]);
    at = block.text.indexOf(wanted, at + wanted.length);
  }
  return ranges;
}

/**
 * The stretches of `blockText` that belong to `quoted`: the whole of it, the block as a part of it, or those of
 * its lines and sentences that stand in this block.
 */
export function findQuoted(blockText: string, quoted: string): Range[] {
  const block = squeeze(blockText);
  const wanted = squeeze(quoted).text;
  if (block.text === "" || wanted === "") return [];
  const whole = locate(blockText, block, wanted);
  if (whole.length > 0) return whole;
  if (block.text.length >= shortestPiece && wanted.includes(block.text)) return [[0, blockText.length]];
  const pieces = quoted
    .split(/\n+|(?<=[.!?。！？])\s*/)
    .map((piece) => squeeze(piece).text)
    .filter((piece) => piece.length >= shortestPiece);
  return joined(pieces.flatMap((piece) => locate(blockText, block, piece)));
}

function joined(ranges: Range[]): Range[] {
  const result: Range[] = [];
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    // One space between two sentences does not part the mark.
    if (last && start <= last[1] + 1) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
  return result;
}
