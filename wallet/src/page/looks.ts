// Which look at the worker may draw: each waits for the worker, some for a network, and they end in any order.

export class Looks {
  #count = 0
  #oldest = 0
  #isShut = false

  /** @param isNew whether something else is to be shown: no look that began before then draws */
  begin(isNew: boolean): number {
    this.#count += 1
    if (isNew) this.#oldest = this.#count
    return this.#count
  }

  mayDraw(look: number): boolean {
    return !this.#isShut && look >= this.#oldest
  }

  drawn(look: number): void {
    this.#oldest = look
  }

  /** Whether a later look is under way, which will tell the same. */
  isFollowed(look: number): boolean {
    return look < this.#count
  }

  /** Nothing is drawn until `step` has ended, and then nothing of a look that began before. */
  async shut(step: () => Promise<unknown>): Promise<void> {
    this.#isShut = true
    try {
      await step()
    } finally {
      this.#isShut = false
      this.#oldest = this.#count + 1
    }
  }
}
