/** Marline's mark: two strands of a rope. */
export function Mark() {
  return (
    <svg
      viewBox="0 0 20 20"
      className="size-5 shrink-0"
      fill="none"
      strokeWidth="2.2"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d="M2 13c4 0 4-6 8-6s4 6 8 6" stroke="var(--ink)" />
      <path d="M2 7c4 0 4 6 8 6s4-6 8-6" stroke="var(--accent)" />
    </svg>
  );
}
