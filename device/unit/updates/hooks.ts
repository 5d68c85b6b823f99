import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import { recordAct } from '../../evidence/record-act.ts';
import { systemTimer } from '../../kernel/timer.ts';
import type { UnitEvidence } from '../evidence.ts';
import type { UnitEyes } from '../remote/commands.ts';
import { LateUpdates } from './late-updates.ts';
import { UnitUpdates, type UpdateHooks } from './unit-updates.ts';

type Given = 'launched' | 'config' | 'clock' | 'log' | 'notice' | 'tell';

/** What can be known of a scene once the source is open. */
export type SceneEyes = Pick<UpdateHooks, 'unfitScene'>;

/** What of a unit updates work with. */
export interface UpdatedUnit extends Pick<UpdateHooks, Given> {
  readonly store: Pick<EvidenceStore, 'ledger'>;
  readonly signer: UnitEvidence['signer'];
  /** Undefined while the camera has not come. */
  readonly eyes: () => (Pick<UnitEyes, 'selfTest'> & SceneEyes) | undefined;
  readonly giveWay: () => void;
}

const updating = { kind: 'unit', name: 'updates' } as const;

/** The updates of a unit whose evidence is open; undefined where it trusts nobody's. */
export function openUpdates({ store, signer, eyes, giveWay, ...given }: UpdatedUnit): Promise<LateUpdates | undefined> {
  const { clock, notice, tell } = given;
  const hooks: UpdateHooks = {
    ...given,
    sign: async (bytes) => {
      const value = (await signer.sign(bytes)).toString('base64');
      return { key: signer.id, algorithm: signer.algorithm, value };
    },
    unfitScene: async (folder) => eyes()?.unfitScene(folder),
    selfTest: async (seal) => eyes()?.selfTest({ pulse: [], seal, asked: 'start', actor: updating }),
    giveWay: (why) => {
      tell(`the program of another slot takes over (${why})`);
      giveWay();
    },
    act: async ({ job, outcome, program, beside, reasons }) => {
      const action = {
        ...{ kind: 'update' as const, outcome, program, reasons: [...reasons] },
        ...(beside === undefined ? {} : { beside: [...beside] }),
      };
      await recordAct(
        store.ledger,
        {
          actor: updating,
          action: job === undefined ? action : { ...action, job },
          reason: job === undefined ? `an update ${outcome}` : `update ${job} ${outcome}`,
        },
        clock,
      );
    },
  };
  return LateUpdates.open({ open: () => UnitUpdates.open(hooks), timer: systemTimer, notice });
}
