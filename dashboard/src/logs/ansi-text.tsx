import { type Piece, parseAnsi, type Style } from "./ansi";

/** Text as a terminal shows it. It is only ever text: nothing in it is interpreted as HTML. */
export function AnsiText({ text }: { text: string }) {
  return (
    <>{parseAnsi(text).map(({ text: part, style }: Piece) => (style ? <Styled text={part} style={style} /> : part))}</>
  );
}

function Styled({ text, style }: { text: string; style: Style }) {
  const [color, background] = style.inverse ? [style.background, style.color] : [style.color, style.background];
  const names = ["bold", "dim", "italic", "underline", "strike", "inverse"].filter(
    (name) => style[name as keyof Style],
  );
  const classes = names.map((name) => `ansi-${name}`);
  const own: Record<string, string> = {};
  if (typeof color === "number") classes.push(`ansi-${color}`);
  else if (color !== undefined) own.color = `color-mix(in oklab, ${color} 65%, var(--text))`;
  if (typeof background === "number") classes.push(`ansi-bg-${background}`);
  else if (background !== undefined) own.backgroundColor = `color-mix(in oklab, ${background} 25%, transparent)`;
  return (
    <span class={classes.join(" ")} style={own}>
      {text}
    </span>
  );
}
