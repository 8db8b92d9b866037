export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
      <rect width="32" height="32" rx="9" className="fill-primary" />
      <path
        d="M11.5 8h9a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H15l-4.2 3.7a.5.5 0 0 1-.8-.4v-3.7a3 3 0 0 1-1.5-2.6v-6a3 3 0 0 1 3-3z"
        className="fill-primary-foreground"
      />
      <path d="M13 12.5h6M13 15.7h3.8" strokeWidth="1.5" strokeLinecap="round" className="stroke-primary" />
    </svg>
  );
}
