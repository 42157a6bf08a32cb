/** Query parameters come from anywhere; what does not fit is left out rather than passed on. */

export function numberOf(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A path within this site; anything that could lead elsewhere (`//host`, `https:`, `/\host`) is dropped. */
export function localPathOf(value: unknown): string | undefined {
  const path = textOf(value);
  return path && /^\/(?![/\\])/.test(path) ? path : undefined;
}
