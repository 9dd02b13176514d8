// A value that is read when it is first asked for, and then stays.

export function once<T>(read: () => T): () => T {
  let value: { readonly read: T } | undefined
  return () => (value ??= { read: read() }).read
}
