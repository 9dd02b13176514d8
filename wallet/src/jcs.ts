// Canonical JSON (RFC 8785): numbers as JavaScript writes them, members in the order of their UTF-16 units.

/** The canonical text of a value that `readStrictJson` read. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const object = value as Record<string, unknown>
  const members = Object.keys(object).sort().map((name) => `${JSON.stringify(name)}:${canonical(object[name])}`)
  return `{${members.join(',')}}`
}

export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonical(value))
}
