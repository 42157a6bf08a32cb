import type { KeyScope } from "@/api/types";

export const dimensions = ["models", "assistants", "collections", "endpoints"] as const;
export type Dimension = (typeof dimensions)[number];

/** What a form's ticks mean: none in a group is everything, for that is what people expect of an untouched form. */
export function scopeOf(form: FormData): KeyScope {
  const ticked = (name: Dimension) => {
    const values = form.getAll(name).map(String);
    return values.length ? values : null;
  };
  return {
    models: ticked("models"),
    assistants: ticked("assistants"),
    collections: ticked("collections"),
    endpoints: ticked("endpoints"),
  };
}

/** The groups that narrow a key, with the names of what is in them; an empty group lets nothing through. */
export function narrowedBy(scope: KeyScope, nameOf: (id: string) => string): [Dimension, string[]][] {
  return dimensions.flatMap((dimension) => {
    const ids = scope[dimension];
    return ids === null ? [] : [[dimension, ids.map(nameOf)] as [Dimension, string[]]];
  });
}
