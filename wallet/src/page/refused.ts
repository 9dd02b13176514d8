// What was refused; sentences are the page's.

/** A call, or a camera, that was refused, by its code. */
export class RefusedError extends Error {
  readonly code: string
  readonly detail: number | null

  constructor(code: string, detail: number | null) {
    super(code)
    this.code = code
    this.detail = detail
  }
}
