import { inspect } from 'node:util';
import type { UtcMilliseconds } from '../../kernel/units.ts';
import type { Nearness } from './list-document.ts';
import type { PlateTable } from './plate-table.ts';

/** What may be told of a list. */
export interface ListHead {
  readonly name: string;
  readonly version: number;
  readonly issued: UtcMilliseconds;
  /** From then on it is not used. */
  readonly expires: UtcMilliseconds | undefined;
  readonly oneOff: Nearness;
  /** Hexadecimal SHA-256 of the signer's SubjectPublicKeyInfo. */
  readonly key: string;
  /** Hexadecimal SHA-256 of the signature: which list of this name and version it is. */
  readonly seal: string;
}

/** A list whose signature holds. Its plates can be asked for one by one, and are shown by nothing that prints or copies it. */
export class WatchList {
  readonly head: ListHead;
  readonly #table: PlateTable;

  constructor(head: ListHead, table: PlateTable) {
    this.head = head;
    this.#table = table;
  }

  get entries(): number {
    return this.#table.size;
  }

  /** Id of the entry whose plate has this number (`plateCode`). */
  idOf(code: number): string | undefined {
    return this.#table.idOf(code);
  }

  [inspect.custom](): string {
    return `WatchList ${this.head.name} ${this.head.version} (${this.entries} entries)`;
  }
}
