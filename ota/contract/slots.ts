/**
 * The two places that a unit's program can run from. The running one is never written to.
 *
 * Guarantees: every step is atomic and durable, so that a power cut leaves the state before it or after it; a slot on trial that is not
 * confirmed is left again by itself after `attemptsLeft` starts.
 */
export interface Slots {
  state(): Promise<SlotsState>;
  /** Makes the other slot the one that the next start tries. */
  startTrial(): Promise<void>;
  /** Keeps the slot that is on trial. To be called after the self-test has held. */
  confirm(): Promise<void>;
  /** Goes back to the confirmed slot with the next start. */
  rollBack(reason: string): Promise<void>;
}

export type SlotName = 'a' | 'b';

export type SlotsState =
  | { readonly kind: 'confirmed'; readonly running: SlotName }
  | { readonly kind: 'trial'; readonly running: SlotName; readonly fallback: SlotName; readonly attemptsLeft: number };
