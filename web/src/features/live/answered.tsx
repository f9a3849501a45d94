/** What stands where an answer was given, until the agent shows what came of it. */
export function Answered() {
  return (
    <p role="status" className="text-ink-2 text-xs">
      Answered. What comes of it shows in the session.
    </p>
  );
}
