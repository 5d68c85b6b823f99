/**
 * Every fault of Atalaya is one class with a code from a closed list, so that callers decide by code and never by message.
 *
 * Expected outcomes (a speed that cannot be stated, a frame that was skipped) are values, not errors.
 */

/** What the supervisor of a loop does with a fault: try again, restart the component, or stop the program. */
export type Disposition = 'retry' | 'restart' | 'halt';

const codes = {
  'bundle-hash-mismatch': 'halt',
  'bundle-file-missing': 'halt',
  'bundle-invalid': 'halt',
  'bundle-input-unknown': 'halt',
  'bundle-source-unavailable': 'halt',
  'engine-unavailable': 'halt',
  'engine-failed': 'restart',
  'camera-unavailable': 'restart',
  'source-missing': 'halt',
  'source-not-video': 'halt',
  'source-truncated': 'halt',
  'frame-damaged': 'retry',
  'program-missing': 'halt',
  'config-invalid': 'halt',
  'scene-invalid': 'halt',
  'scene-mismatch': 'halt',
  'usage-invalid': 'halt',
  'store-full': 'halt',
  'store-reserved': 'retry',
  'store-locked': 'halt',
  'store-damaged': 'halt',
  'store-failed': 'restart',
  'store-version-unknown': 'halt',
  'store-closed': 'halt',
  'evidence-unknown': 'halt',
  'evidence-held': 'halt',
  'evidence-erased': 'halt',
  'key-mismatch': 'halt',
  'cosignature-refused': 'retry',
  'key-wrong': 'halt',
  'key-missing': 'halt',
  'key-exists': 'halt',
  'key-invalid': 'halt',
  'key-unavailable': 'restart',
  'key-closed': 'halt',
  'authority-expired': 'halt',
  'list-refused': 'halt',
  'link-down': 'retry',
  'link-refused': 'halt',
  'message-refused': 'retry',
  'act-refused': 'halt',
  'document-refused': 'halt',
  'update-refused': 'halt',
  'archive-unavailable': 'retry',
  'queue-unavailable': 'retry',
  'blob-mismatch': 'halt',
  'bridge-unavailable': 'retry',
  'lines-unavailable': 'restart',
  'desk-busy': 'retry',
  'desk-closed': 'retry',
  'deadline-exceeded': 'restart',
  internal: 'halt',
} as const satisfies Record<string, Disposition>;

export type ErrorCode = keyof typeof codes;

export const errorCodes: readonly string[] = Object.keys(codes);

export interface ErrorDetails {
  /** What the reader can do about it, as one imperative sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class AtalayaError extends Error {
  override readonly name = 'AtalayaError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.hint = details.hint;
  }

  get disposition(): Disposition {
    return codes[this.code];
  }
}

/** True for one of our faults, of the given code where one is named. */
export function isAtalayaError(error: unknown, code?: ErrorCode): error is AtalayaError {
  return error instanceof AtalayaError && (code === undefined || error.code === code);
}

/** The system's error code (`ENOENT`, `ENOSPC`, ...) of a failed call, where it has one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** One or two lines for a person: what happened, then what to do. */
export function explain(error: unknown): string {
  if (error instanceof AtalayaError) {
    return error.hint === undefined
      ? `${error.code}: ${error.message}`
      : `${error.code}: ${error.message}\n  ${error.hint}`;
  }
  return error instanceof Error ? `internal: ${error.message}` : `internal: ${String(error)}`;
}

/** The fault that came first: what closing down threw on top of it is wrapped around it by the language. */
export function firstFault(error: unknown): unknown {
  return error instanceof SuppressedError ? firstFault(error.suppressed) : error;
}
