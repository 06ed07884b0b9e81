/** Three lines that grow shorter: a queue that drains. */
export function Logo({ size = 20 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path d="M7 9h18M7 16h12M7 23h7" stroke="var(--on-accent)" strokeWidth="3.6" strokeLinecap="round" />
    </svg>
  );
}
