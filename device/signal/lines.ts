import type { Milliseconds } from '../kernel/units.ts';

/**
 * The unit's output and input lines, by the names that the configuration gives them.
 *
 * Guarantees: `set` resolves when the level stands at the line; `safe` puts every output into its safe level, may be called at any
 * time and twice, and never throws; after `close` the outputs are safe.
 */
export interface Lines {
  set(output: string, level: boolean): Promise<void>;
  read(input: string): Promise<boolean>;
  /** Calls back on each edge of an input with the level after it; returns the way to stop. */
  watch(input: string, onEdge: (edge: LineEdge) => void): () => void;
  safe(): Promise<void>;
  close(): Promise<void>;
}

export interface LineEdge {
  readonly input: string;
  readonly level: boolean;
  /** Monotonic time of the edge. */
  readonly at: Milliseconds;
  /** Rises by one with each edge of this input: a gap tells of a lost one. */
  readonly sequence: number;
}
