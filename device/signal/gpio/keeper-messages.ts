import type { Buffer } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import { AtalayaError, type ErrorCode, isAtalayaError } from '../../kernel/errors.ts';
import type { InputLine, OutputLine } from '../contract/line-settings.ts';

/**
 * What passes between the unit and the keeper of its lines: one JSON text a line, over the keeper's standard input and output. Both
 * ends are this program, of one version, so the shapes are not checked again; a text that is no JSON ends the keeper.
 */

/** The lines that a keeper holds. */
export interface WiringPlan {
  readonly outputs: readonly OutputLine[];
  readonly inputs: readonly InputLine[];
}

export type ToKeeper =
  /**
   * The first of all. `strict`: every line opens or the start is refused; otherwise lines that are not there are tried again later.
   * `silence`: outputs become safe when the unit says nothing for so many milliseconds.
   */
  | { readonly kind: 'open'; readonly plan: WiringPlan; readonly strict: boolean; readonly silence: number }
  | { readonly kind: 'set'; readonly id: number; readonly line: string; readonly level: boolean }
  | { readonly kind: 'read'; readonly id: number; readonly line: string }
  | { readonly kind: 'safe'; readonly id: number }
  | { readonly kind: 'beat' };

export interface KeptEdge {
  readonly line: string;
  readonly level: boolean;
  /** Milliseconds of CLOCK_MONOTONIC. */
  readonly time: number;
  /** The kernel's number of this edge on this line, 32 bits; begins anew when the line was opened again. */
  readonly sequence: number;
  /** How often the line has been opened. */
  readonly opening: number;
}

export type FromKeeper =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly fault: PlainFault }
  | { readonly kind: 'done'; readonly id: number; readonly level?: boolean }
  | { readonly kind: 'failed'; readonly id: number; readonly fault: PlainFault }
  | { readonly kind: 'edges'; readonly edges: readonly KeptEdge[] }
  /** A line went, came back, or the unit's silence made the outputs safe. */
  | { readonly kind: 'lost'; readonly line: string; readonly fault: PlainFault }
  | { readonly kind: 'back'; readonly line: string }
  | { readonly kind: 'silenced'; readonly after: number }
  | { readonly kind: 'beat' };

/** A fault as plain data. */
export interface PlainFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export function toPlain(error: unknown): PlainFault {
  if (isAtalayaError(error)) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error), hint: undefined };
}

export function fromPlain({ code, message, hint }: PlainFault): AtalayaError {
  return new AtalayaError(code, message, hint === undefined ? {} : { hint });
}

/** Cuts a stream of bytes into whole lines of text; what follows the last break waits for more. */
export class LineSplit {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  take(bytes: Buffer): string[] {
    const parts = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = parts.pop() ?? '';
    return parts.filter((part) => part !== '');
  }
}
