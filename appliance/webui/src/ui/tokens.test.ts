import { describe, expect, it } from "vitest";
import tokens from "@/ui/tokens.css?raw";

type Theme = "light" | "dark";

function colourOf(name: string, theme: Theme): string {
  const found = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(tokens);
  const colour = found?.[theme === "light" ? 1 : 2];
  if (!colour) throw new Error(`tokens.css has no --${name}`);
  return colour;
}

/** Relative luminance as WCAG 2.2 defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(text: string, ground: string, theme: Theme): number {
  const [darker = 0, lighter = 0] = [
    luminance(colourOf(text, theme)),
    luminance(colourOf(ground, theme)),
  ].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

const texts: [text: string, ground: string][] = [
  ...["grey-1", "grey-2", "grey-3"].flatMap<[string, string]>((ground) => [
    ["grey-9", ground],
    ["grey-10", ground],
    ["grey-12", ground],
    ["accent", ground],
  ]),
  ["grey-11", "grey-5"],
  ["grey-12", "grey-4"],
  ["on-accent", "accent"],
  ["on-accent", "accent-strong"],
  ["accent", "accent-soft"],
  ["ok", "ok-soft"],
  ["notice", "notice-soft"],
  ["warning", "warning-soft"],
  ["danger", "danger-soft"],
  ["grey-9", "danger-soft"],
  ["grey-12", "mark"],
  ["grey-1", "danger"],
];

describe.each<Theme>(["light", "dark"])("colours in %s", (theme) => {
  it.each(texts)("%s can be read on %s", (text, ground) => {
    expect(contrast(text, ground, theme)).toBeGreaterThanOrEqual(4.5);
  });

  it("show the edge of a field and the ring of the focus", () => {
    expect(contrast("grey-8", "grey-1", theme)).toBeGreaterThanOrEqual(3);
    expect(contrast("accent", "grey-1", theme)).toBeGreaterThanOrEqual(3);
  });
});
