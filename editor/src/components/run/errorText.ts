/** What an error says, whatever shape it was stored in. */
export function errorText(error: unknown): string {
  if (error === null || error === undefined) return "";
  if (typeof error === "object" && "message" in error) return String(error.message);
  return typeof error === "string" ? error : JSON.stringify(error);
}
