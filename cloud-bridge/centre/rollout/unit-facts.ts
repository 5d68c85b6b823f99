import type { Desired } from '../../contract/acts.ts';
import type { Reported } from '../../contract/state.ts';
import type { Said, UnitView } from './plan-rollout.ts';

/** What the centre knows of a unit's configuration. */
export interface UnitFacts {
  /** The newest document that is durable for it, whoever released it. Its signature tells it from another one of the same version. */
  readonly newest?: { readonly version: number; readonly signature: string };
  readonly reported?: Reported;
}

/** Holds what is known of a unit against its documents in a rollout. */
export function viewOf({ newest, reported }: UnitFacts, document: Desired, rollback: Desired | undefined): UnitView {
  const is = (one: Desired | undefined): boolean =>
    one !== undefined && newest?.version === one.version && newest.signature === one.signature?.value;
  const said = (one: Desired): Said | undefined => {
    if (reported === undefined) return undefined;
    if (reported.version === one.version) return { outcome: reported.outcome, reasons: reported.reasons };
    // The report is about another document, an older one that came again perhaps: what is in force says what became of this one.
    if (reported.inForce.version !== one.version) return undefined;
    return { outcome: reported.trialUntil === undefined ? 'confirmed' : 'trial', reasons: [] };
  };
  const ofDocument = said(document);
  const ofRestore = rollback === undefined ? undefined : said(rollback);
  return {
    newest: is(document)
      ? 'document'
      : is(rollback)
        ? 'restore'
        : newest !== undefined && newest.version >= document.version
          ? 'other'
          : 'before',
    ...(ofDocument === undefined ? {} : { document: ofDocument }),
    ...(ofRestore === undefined ? {} : { restore: ofRestore }),
  };
}
