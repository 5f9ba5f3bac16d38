import { describe, expect, it } from "vitest";
import { parseAnsi, stripAnsi } from "./ansi";

const ESC = "\u001b";

describe("ANSI escape sequences", () => {
  it("leave plain text alone, HTML included", () => {
    const text = "<b>bold</b> & <script>alert(1)</script>";
    expect(parseAnsi(text)).toEqual([{ text, style: null }]);
  });

  it("style what follows until they are taken back", () => {
    expect(parseAnsi(`a${ESC}[1;31mb${ESC}[22mc${ESC}[0md`)).toEqual([
      { text: "a", style: null },
      { text: "b", style: { bold: true, color: 1 } },
      { text: "c", style: { color: 1 } },
      { text: "d", style: null },
    ]);
  });

  it.each([
    ["94", { color: 12 }],
    ["42", { background: 2 }],
    ["103", { background: 11 }],
    ["38;5;9", { color: 9 }],
    ["38;5;196", { color: "rgb(255 0 0)" }],
    ["48;5;244", { background: "rgb(128 128 128)" }],
    ["38;2;1;2;3", { color: "rgb(1 2 3)" }],
    ["38:2:1:2:3", { color: "rgb(1 2 3)" }],
    ["38;5;7;4", { color: 7, underline: true }],
    ["3;9;7", { italic: true, strike: true, inverse: true }],
  ])("know the code %s", (code, style) => {
    expect(parseAnsi(`${ESC}[${code}mx`)).toEqual([{ text: "x", style }]);
  });

  it.each(["38;5;999", "38;2;1;2", "38;2;300;0;0", "38", "58"])("ignore a broken %s", (code) => {
    expect(parseAnsi(`${ESC}[${code}mx`)).toEqual([{ text: "x", style: null }]);
  });

  it("that are not about style are left out: cursor, title, link, bell, backspace", () => {
    const link = `${ESC}]8;;https://example.org${ESC}\\text${ESC}]8;;${ESC}\\`;
    expect(stripAnsi(`${ESC}[2K${ESC}[1A${ESC}]0;title\u0007${link}\u0007\b!${ESC}(B`)).toBe("text!");
  });

  it("keep tabs and line ends", () => {
    expect(stripAnsi("a\tb\nc")).toBe("a\tb\nc");
  });

  it("cut off at the end do no harm", () => {
    expect(
      parseAnsi(`x${ESC}[3`)
        .map(({ text }) => text)
        .join(""),
    ).toContain("x");
  });
});
