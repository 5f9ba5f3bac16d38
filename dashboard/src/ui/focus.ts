/** Focus an element of a list that may only be drawn once the list has been scrolled to it. */
export function focusDrawn(within: Element | null | undefined, selector: string): void {
  const focus = () => {
    const element = within?.querySelector<HTMLElement>(selector);
    element?.focus({ preventScroll: true });
    return Boolean(element);
  };
  if (!focus()) requestAnimationFrame(() => focus() || requestAnimationFrame(focus));
}
