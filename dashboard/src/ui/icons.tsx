import type { ComponentChildren } from "preact";
import type { ExecutionStatus } from "../api/generated";

interface IconProps {
  readonly size?: number;
  readonly class?: string;
}

function icon(children: ComponentChildren) {
  return ({ size = 16, class: name }: IconProps) => (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      class={name}
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const Search = icon(<path d="M11 11l3 3M12 7A5 5 0 1 1 2 7a5 5 0 0 1 10 0Z" />);
export const Cross = icon(<path d="M4 4l8 8M12 4l-8 8" />);
export const ChevronRight = icon(<path d="M6 3.5 10.5 8 6 12.5" />);
export const ChevronLeft = icon(<path d="M10 3.5 5.5 8l4.5 4.5" />);
export const ArrowUp = icon(<path d="M8 13V3M4 7l4-4 4 4" />);
export const ArrowDown = icon(<path d="M8 3v10M4 9l4 4 4-4" />);
export const Sun = icon(
  <>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.500v1.300M8 13.200v1.300M1.5 8h1.300M13.2 8h1.300M3.4 3.400l.9.9M11.7 11.700l.9.9M12.6 3.400l-.9.9M4.3 11.700l-.9.9" />
  </>,
);
export const Moon = icon(<path d="M13.5 9.500A5.8 5.8 0 0 1 6.5 2.500a5.8 5.8 0 1 0 7 7Z" />);
export const Screen = icon(
  <>
    <rect x="2" y="2.8" width="12" height="8.4" rx="1.5" />
    <path d="M6 13.500h4" />
  </>,
);
export const Copy = icon(
  <>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 3.500v-.2A1.3 1.3 0 0 0 9.2 2H3.800A1.3 1.3 0 0 0 2.5 3.300v5.400A1.3 1.3 0 0 0 3.8 10H4" />
  </>,
);
export const Check = icon(<path d="M3.5 8.5 6.5 11.5 12.5 4.5" />);
export const Retry = icon(<path d="M13 8a5 5 0 1 1-1.5-3.600M13 2v3h-3" />);
export const Stop = icon(<rect x="3.5" y="3.5" width="9" height="9" rx="1.5" />);
export const Trash = icon(<path d="M2.5 4h11M6 4V2.500h4V4M4 4l.6 9.500h6.800L12 4M6.7 7v3.500M9.3 7v3.5" />);
export const Download = icon(<path d="M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.500h11" />);
export const Warning = icon(<path d="M8 2.2 14.5 13.500h-13ZM8 6.500v3M8 11.600v.1" />);
export const Problem = icon(
  <>
    <circle cx="8" cy="8" r="6" />
    <path d="M8 4.800v3.600M8 11v.1" />
  </>,
);
export const Filter = icon(<path d="M2 3.500h12M4.5 8h7M6.5 12.500h3" />);
export const Link = icon(
  <path d="M6.7 9.300a2.7 2.7 0 0 0 3.8 0l2-2a2.7 2.7 0 0 0-3.8-3.800l-.8.8M9.3 6.700a2.7 2.7 0 0 0-3.8 0l-2 2a2.7 2.7 0 0 0 3.8 3.800l.8-.8" />,
);
export const Keyboard = icon(
  <>
    <rect x="1.5" y="4" width="13" height="8.5" rx="1.5" />
    <path d="M4.5 7h.1M7 7h.1M9.5 7h.1M12 7h-.1M5.5 10h5" />
  </>,
);
export const Plus = icon(<path d="M8 3v10M3 8h10" />);
export const Minus = icon(<path d="M3 8h10" />);
export const Fit = icon(<path d="M2.5 6V2.500H6M10 2.500h3.500V6M13.5 10v3.500H10M6 13.500H2.500V10" />);
export const Clock = icon(
  <>
    <circle cx="8" cy="8" r="6" />
    <path d="M8 4.800V8l2.3 1.5" />
  </>,
);
export const Bolt = icon(<path d="M9 1.8 3.5 9H8l-1 5.200L12.5 7H8Z" />);
export const Hand = icon(<path d="M4.5 2.500l8 5-3.6 1-1.6 3.600Z" />);
export const Leave = icon(<path d="M6.5 13.500h-3a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1h3M10.5 11l3-3-3-3M13.5 8h-7" />);
export const Key = icon(
  <>
    <circle cx="5" cy="11" r="3" />
    <path d="M7.2 8.8 13.5 2.500M11 5l2 2" />
  </>,
);

/** Each state has a shape of its own: colour alone tells nobody anything. */
const SHAPES: Record<ExecutionStatus, ComponentChildren> = {
  PENDING: <circle cx="8" cy="8" r="5.2" stroke-dasharray="2.2 2.2" />,
  RUNNING: (
    <g class="spin">
      <circle cx="8" cy="8" r="5.2" stroke-opacity=".28" />
      <path d="M8 2.800A5.2 5.2 0 0 1 13.2 8" stroke-width="2" />
    </g>
  ),
  COMPLETED: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="currentColor" stroke="none" />
      <path d="M5.2 8.2 7.2 10.2 10.9 6" stroke="var(--surface)" />
    </>
  ),
  FAILED: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="currentColor" stroke="none" />
      <path d="M5.9 5.900l4.2 4.200M10.1 5.900l-4.2 4.2" stroke="var(--surface)" />
    </>
  ),
  CANCELLED: (
    <>
      <circle cx="8" cy="8" r="5.4" />
      <path d="M4.3 11.700l7.4-7.4" />
    </>
  ),
  SKIPPED: <path d="M3 4.5 7 8 3 11.500M9 4.5 13 8 9 11.5" />,
};

export function StatusIcon({ status, size = 16 }: { status: ExecutionStatus; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      class={`status-icon s-${status}`}
      aria-hidden="true"
    >
      {SHAPES[status]}
    </svg>
  );
}
