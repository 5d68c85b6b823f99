import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import { recordAct, type UnitAct } from '../../evidence/record-act.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log/log.ts';
import type { ConfigHooks } from './config.ts';
import { configSentence } from './sentences.ts';

export interface ConfigActParts {
  readonly ledger: EvidenceStore['ledger'];
  readonly clock: Clock;
  readonly log: Log;
  readonly tell: (sentence: string) => void;
  readonly stateChanged: () => void;
}

/** What the ledger, the log and the console learn of a configuration from afar. */
export function configActs({
  ledger,
  clock,
  log,
  tell,
  stateChanged,
}: ConfigActParts): Pick<ConfigHooks, 'prove' | 'audit'> {
  return {
    prove: async ({ version: number, sha256: hash }) => {
      const trial = { version: number, sha256: hash, outcome: 'trial' as const, reasons: [] };
      const action: UnitAct['action'] = { kind: 'configuration', ...trial };
      await recordAct(ledger, { actor: itself, action, reason: 'sealed to prove that sealing works' }, clock);
    },
    audit: async ({ version: number, sha256: hash, outcome, reasons, person, byHand }) => {
      const action: UnitAct['action'] = {
        kind: 'configuration',
        version: number,
        ...(hash === undefined ? {} : { sha256: hash }),
        outcome,
        reasons: [...reasons],
      };
      // Whoever signed it did not take it back: the unit did, by itself.
      const actor = actorOf(outcome === 'rolled-back' ? undefined : person, byHand);
      await recordAct(ledger, { actor, action, reason: `configuration ${number} ${outcome}` }, clock);
      log.info({ part: 'config', version: number, outcome, reasons }, `configuration ${number}: ${outcome}`);
      const by = person?.name ?? byHand;
      tell(configSentence({ version: number, outcome, reasons, by, isByHand: byHand !== undefined }));
      stateChanged();
    },
  };
}

const itself = { kind: 'unit', name: 'configuration' } as const;

function actorOf(
  person: { readonly name: string; readonly role: string; readonly key: string } | undefined,
  byHand: string | undefined,
): UnitAct['actor'] {
  if (person !== undefined) return { kind: 'operator', name: person.name, role: person.role, key: person.key };
  return byHand === undefined ? itself : { kind: 'person', name: byHand, account: byHand };
}
