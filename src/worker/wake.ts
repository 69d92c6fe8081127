/** Lets sleeping lanes be woken, and loses no call that comes between looking for work and going to sleep. */
export class Wake {
  #calls = 0;
  #sleepers = new Set<() => void>();

  /** Take it before looking for work; a call after this ends the wait at once. */
  ticket(): number {
    return this.#calls;
  }

  wakeAll(): void {
    this.#calls += 1;
    for (const wake of this.#sleepers) wake();
  }

  async wait(ticket: number, timeoutMs: number): Promise<void> {
    if (ticket !== this.#calls) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#sleepers.add(resolve);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#sleepers.delete(resolve);
    });
  }
}
