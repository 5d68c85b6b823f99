import assert from 'node:assert/strict';
import type { Milliseconds } from '../../../kernel/units.ts';
import type { Told } from '../bench-report.ts';
import type { Machine } from '../machine.ts';

/** What a unit on the bench has acknowledged, and what was found of it after a cut. */
export class Acknowledged {
  readonly #sealed = new Set<string>();
  #found = new Set<string>();

  get count(): number {
    return this.#sealed.size;
  }

  hear(told: Told): void {
    if (told.kind !== 'line') return;
    const [word, ...rest] = told.text.split(' ');
    if (word === 'sealed') this.#sealed.add(rest.join(' '));
    if (word === 'found') this.#found.add(rest.slice(1).join(' '));
  }

  /** Throws where something that was acknowledged was not found; begins anew with what is found. */
  checkFound(): { readonly acknowledged: number; readonly found: number } {
    const lost = this.lost();
    assert.deepEqual(lost, [], `${lost.length} of ${this.#sealed.size} acknowledged seals are lost`);
    const result = { acknowledged: this.#sealed.size, found: this.#found.size };
    this.#found = new Set();
    return result;
  }

  lost(): readonly string[] {
    return [...this.#sealed].filter((id) => !this.#found.has(id));
  }
}

/** Reads lines until one begins with `start`; each is heard on the way. A program that ends before is a failure. */
export async function readUntil(
  machine: Machine,
  start: string,
  deadline: Milliseconds,
  acknowledged?: Acknowledged,
): Promise<string> {
  for (;;) {
    const told = await machine.next(deadline, `"${start}"`);
    acknowledged?.hear(told);
    if (told.kind === 'line' && told.text.startsWith(start)) return told.text;
    if (told.kind === 'done') throw new Error(`the unit ended with ${told.status} before "${start}": ${told.errors}`);
  }
}
