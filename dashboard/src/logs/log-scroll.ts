/** Browsers draw no element higher than this (Firefox 17.8 million pixels, others more). */
const HIGHEST = 15_000_000;

/**
 * Where lines lie in a scrolled element that may have more of them than a browser can scroll over.
 *
 * Up to 15 million pixels a line lies where it lies. Beyond, the way of the scroll bar is stretched over all lines.
 */
export class LogScroll {
  readonly height: number;
  /** How many pixels of lines a pixel of the scroll bar stands for. */
  readonly stretch: number;

  constructor(
    readonly count: number,
    readonly rowHeight: number,
    readonly viewport: number,
  ) {
    const whole = count * rowHeight;
    this.height = Math.min(whole, HIGHEST);
    const way = Math.max(1, this.height - viewport);
    this.stretch = whole <= HIGHEST ? 1 : (whole - viewport) / way;
  }

  /** The line at the upper edge, with the fraction of it that is out of sight. */
  first(scrollTop: number): number {
    return (scrollTop * this.stretch) / this.rowHeight;
  }

  /** Where to scroll to have a line at the upper edge. */
  topOf(index: number): number {
    return Math.min(this.last, Math.max(0, (index * this.rowHeight) / this.stretch));
  }

  /** Where to scroll to have a line in the middle. */
  middleOf(index: number): number {
    return this.topOf(index - (this.viewport / this.rowHeight - 1) / 2);
  }

  /** The lowest scroll position. */
  get last(): number {
    return Math.max(0, this.height - this.viewport);
  }

  /** The lines to draw, from and up to, not including, with some beyond both edges. */
  drawn(scrollTop: number, beyond: number): [number, number] {
    const first = this.first(scrollTop);
    const from = Math.max(0, Math.floor(first) - beyond);
    const to = Math.min(this.count, Math.ceil(first + this.viewport / this.rowHeight) + beyond);
    return [Math.min(from, to), to];
  }

  /** Where a line is drawn in the element, given how it is scrolled. */
  place(index: number, scrollTop: number): number {
    return this.stretch === 1 ? index * this.rowHeight : scrollTop + (index - this.first(scrollTop)) * this.rowHeight;
  }
}
