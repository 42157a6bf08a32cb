import type { Group, GroupRef } from "@/api/types";

/** The groups that somebody counts in without being a member: all that their own groups are inside of, by name. */
export function groupsAround(own: GroupRef[], groups: Group[]): GroupRef[] {
  const known = new Map(groups.map((group) => [group.id, group]));
  const found = new Map<string, GroupRef>();
  const left = own.map(({ id }) => id);
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    for (const parent of known.get(id)?.parents ?? []) {
      if (found.has(parent.id)) continue;
      found.set(parent.id, parent);
      left.push(parent.id);
    }
  }
  for (const { id } of own) found.delete(id);
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name));
}

/** As a sentence has them. */
export function namesOf(groups: GroupRef[]): string {
  return groups.map(({ name }) => name).join(", ");
}
