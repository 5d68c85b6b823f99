/** A line as it stands. */
export interface LineState {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly role: string;
  /** Of an input; undefined where it does not answer. */
  readonly active?: boolean;
  /** Of an input: edges since the opening. */
  readonly changes?: number;
  readonly fault?: string;
  /** Of an output that was to be switched. */
  readonly pulsed?: boolean;
}
