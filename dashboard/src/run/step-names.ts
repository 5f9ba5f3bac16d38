const SEPARATOR = /[.:/]/;

/** The parts in front that all names have in common ("NFCORE_RNASEQ.RNASEQ."), so that they can be left out. */
export function commonPrefix(names: Iterable<string>): string {
  let common: string | null = null;
  let several = false;
  for (const name of names) {
    if (common === null) common = name;
    else {
      let length = 0;
      while (length < common.length && common[length] === name[length]) length++;
      several ||= common !== name;
      common = common.slice(0, length);
    }
    if (common === "") return "";
  }
  if (common === null || !several) return "";
  let end = common.length;
  while (end > 0 && !SEPARATOR.test(common[end - 1]!)) end--;
  return common.slice(0, end);
}

export function shortened(name: string, prefix: string): string {
  return name.startsWith(prefix) && name.length > prefix.length ? name.slice(prefix.length) : name;
}

const LONG = 24;

/** Of a long name of several parts the last ones, which tell it from others. */
export function lastPart(name: string): string {
  if (name.length <= LONG) return name;
  const parts = name.split(SEPARATOR).filter((part) => part !== "");
  return parts.length > 1 ? parts.at(-1)! : name;
}
