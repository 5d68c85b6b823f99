import type { RolloutPlan } from '../../contract/rollout.ts';
import type { Changed } from '../rollout/rollout-keeper.ts';
import { type Handlers, json, type Refusal, refuse, unknown } from './answer.ts';
import { listInfractions } from './list-infractions.ts';
import type { Services } from './services.ts';

type EvidenceRoute = 'infractions' | 'evidence' | 'evidenceFile';
type RolloutRoute = 'startRollout' | 'rollouts' | 'rollout' | 'pauseRollout' | 'resumeRollout' | 'abortRollout';

/** Sealed evidence, as far as it is here. */
export function evidenceHandlers({ bridge, archive, blobs }: Services): Pick<Handlers, EvidenceRoute> {
  return {
    infractions: async ({ query }) => json(await listInfractions(archive, query)),
    evidence: async ({ parameters: { unit, evidence } }) => {
      const view = await bridge.evidence.view(unit, evidence);
      return view === undefined ? unknown(`evidence ${evidence}`) : json(view);
    },
    evidenceFile: async ({ parameters: { unit, evidence, file } }) => {
      const content = await blobs.read({ unit, evidence, file });
      if (content === undefined) return unknown(`finished file ${file} of ${evidence}`);
      const view = await bridge.evidence.view(unit, evidence);
      return { kind: 'bytes', content, bytes: view?.files.find((one) => one.file === file)?.bytes };
    },
  };
}

/** Configurations and updates for many units. */
export function rolloutHandlers({ rollouts }: Services): Pick<Handlers, RolloutRoute> {
  return {
    startRollout: async ({ person, body: { plan }, raw }) => {
      // The documents as they were signed: what the schema fills in is none of them.
      const { documents, rollbacks = [] } = (raw as { readonly plan: Partial<RolloutPlan> }).plan;
      const started = await rollouts.start(
        { ...plan, documents: documents ?? [], rollbacks },
        `${person.name} (${person.role})`,
      );
      if (started.kind === 'refused')
        return refuse(409, 'rollout-refused', started.reasons.join('\n'), started.hints?.join('\n'));
      return json(started.rollout);
    },
    rollouts: async () => json({ rollouts: [...(await rollouts.list())] }),
    rollout: async ({ parameters: { id } }) => {
      const found = await rollouts.show(id);
      return found === undefined ? unknown(`rollout ${id}`) : json(found);
    },
    pauseRollout: async ({ parameters: { id }, body, person }) =>
      changed(id, await rollouts.pause(id, `${person.name}: ${body.reason}`)),
    resumeRollout: async ({ parameters: { id }, body, person }) =>
      changed(id, await rollouts.resume(id, `${person.name}: ${body.reason}`)),
    abortRollout: async ({ parameters: { id }, body, person }) =>
      changed(id, await rollouts.abort(id, `${person.name}: ${body.reason}`, body.restore)),
  };
}

function changed(
  id: string,
  change: Changed,
): Refusal | { readonly kind: 'json'; readonly value: Extract<Changed, { kind: 'changed' }>['rollout'] } {
  if (change.kind === 'unknown') return unknown(`rollout ${id}`);
  return change.kind === 'refused' ? refuse(409, 'rollout-refused', change.reason, change.hint) : json(change.rollout);
}
