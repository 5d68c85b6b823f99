import type { Person } from '../../../cloud-bridge/contract/people.ts';
import { sha256 } from '../../kernel/hash.ts';
import type { JudgedDesired } from './judge-desired.ts';
import type { InputOf } from './keeper-plan.ts';
import type { ActingPerson } from './keeper-state.ts';
import { mostOwed } from './plan-config.ts';

/** What a judgement means for the keeper. No document is taken while the audit log has so many acts to catch up with. */
export function inputOf(judged: JudgedDesired, payload: Uint8Array, owed: number): InputOf {
  switch (judged.kind) {
    case 'known':
      return { kind: 'known' };
    case 'refused':
      return {
        kind: 'refused',
        version: judged.version,
        sha256: judged.sha256 ?? sha256(payload),
        refusals: judged.refusals,
        person: judged.person === undefined ? undefined : acting(judged.person),
      };
    case 'fits': {
      const { ref, document, changed, person } = judged;
      if (owed >= mostOwed) {
        const words = `${owed} acts wait for the audit log; no document is taken before it has them`;
        return { kind: 'refused', ...ref, refusals: [{ code: 'audit-behind', words }], person: undefined };
      }
      const { issued, note, probationMinutes } = document;
      const probationMs = probationMinutes * 60_000;
      return { kind: 'accepted', ref, text: payload, issued, note, person: acting(person), changed, probationMs };
    }
  }
}

function acting({ name, role, key }: Person): ActingPerson {
  return { name, role, key };
}
