/** The number that is written in a field, or null where nothing is. */
export function numberOf(written: string): number | null {
  const plain = written.trim().replaceAll(",", "");
  if (plain === "") return null;
  const value = Number(plain);
  // What is no number goes to the server as it is, which says so; as JSON, NaN would be null and mean something else.
  return Number.isNaN(value) ? (plain as unknown as number) : value;
}
