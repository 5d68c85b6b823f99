/** A set of sequence numbers that is mostly runs of them: what it takes grows with the runs. */
export class SequenceRanges {
  #ranges: { from: number; to: number }[] = [];

  has(sequence: number): boolean {
    return this.#ranges.some(({ from, to }) => from <= sequence && sequence <= to);
  }

  /** False where it was in already. */
  add(sequence: number): boolean {
    if (this.has(sequence)) return false;
    const touching = this.#ranges.filter(({ from, to }) => from - 1 <= sequence && sequence <= to + 1);
    const merged = {
      from: Math.min(sequence, ...touching.map(({ from }) => from)),
      to: Math.max(sequence, ...touching.map(({ to }) => to)),
    };
    this.#ranges = [...this.#ranges.filter((range) => !touching.includes(range)), merged];
    return true;
  }

  /** Takes everything up to a number out. */
  clear(upTo: number): void {
    if (this.#ranges.length === 0) return;
    this.#ranges = this.#ranges
      .filter(({ to }) => to > upTo)
      .map(({ from, to }) => ({ from: Math.max(from, upTo + 1), to }));
  }
}
