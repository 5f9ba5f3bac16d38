/** A piece of text in one style. */
export interface Piece {
  readonly text: string;
  readonly style: Style | null;
}

export interface Style {
  /** 0 to 15 are the terminal's colours, otherwise an RGB colour as CSS writes it. */
  readonly color?: number | string;
  readonly background?: number | string;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly strike?: boolean;
  readonly inverse?: boolean;
}

// CSI sequences, OSC strings (titles, links), and other escapes of one letter.
const ESCAPE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
  /\u001b\[([0-9;:?<=>!]*)[ -/]*([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** Text with ANSI escape sequences as styled pieces; sequences that are not about style are left out. */
export function parseAnsi(text: string): readonly Piece[] {
  if (!text.includes("\u001b")) return [{ text: text.replace(ESCAPE, ""), style: null }];
  const pieces: Piece[] = [];
  let style: Style = {};
  let last = 0;
  const push = (end: number) => {
    if (end > last) pieces.push({ text: text.slice(last, end), style: Object.keys(style).length ? style : null });
  };
  for (const found of text.matchAll(ESCAPE)) {
    push(found.index);
    last = found.index + found[0].length;
    if (found[2] === "m") style = restyled(style, (found[1] ?? "").split(/[;:]/).map(Number));
  }
  push(text.length);
  return pieces;
}

/** Text without any escape sequence. */
export function stripAnsi(text: string): string {
  return text.replace(ESCAPE, "");
}

const ON: Record<number, Style> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
};
const OFF: Record<number, readonly (keyof Style)[]> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
  39: ["color"],
  49: ["background"],
};

function restyled(before: Style, codes: readonly number[]): Style {
  let style: Style = before;
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    if (code === 0 || Number.isNaN(code)) style = {};
    else if (ON[code]) style = { ...style, ...ON[code] };
    else if (OFF[code]) style = without(style, OFF[code]);
    else if (code === 38 || code === 48) {
      const [color, used] = extended(codes.slice(index + 1));
      index += used;
      if (color !== null) style = { ...style, [code === 38 ? "color" : "background"]: color };
    } else {
      const basic = basicColor(code);
      if (basic) style = { ...style, ...basic };
    }
  }
  return style;
}

function without(style: Style, names: readonly (keyof Style)[]): Style {
  return Object.fromEntries(Object.entries(style).filter(([name]) => !names.includes(name as keyof Style)));
}

function basicColor(code: number): Style | null {
  if (code >= 30 && code <= 37) return { color: code - 30 };
  if (code >= 90 && code <= 97) return { color: code - 82 };
  if (code >= 40 && code <= 47) return { background: code - 40 };
  if (code >= 100 && code <= 107) return { background: code - 92 };
  return null;
}

/** A colour of 256 (`5;n`) or of all (`2;r;g;b`), and how many codes it took. */
function extended(codes: readonly number[]): [number | string | null, number] {
  if (codes[0] === 5) {
    const number = codes[1] ?? -1;
    return [number < 0 || number > 255 ? null : number < 16 ? number : paletteColor(number), 2];
  }
  if (codes[0] === 2) {
    const channels = codes.slice(1, 4);
    const valid = channels.length === 3 && channels.every((channel) => channel >= 0 && channel <= 255);
    return [valid ? `rgb(${channels.join(" ")})` : null, 4];
  }
  return [null, 0];
}

function paletteColor(number: number): string {
  if (number >= 232) {
    const grey = 8 + (number - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const channel = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  const cube = number - 16;
  return `rgb(${channel(Math.floor(cube / 36))} ${channel(Math.floor(cube / 6) % 6)} ${channel(cube % 6)})`;
}
