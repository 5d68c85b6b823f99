import type { RouteBodyInput } from '../../contract/api.ts';
import type { Rollout } from '../../contract/rollout.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { type Exit, exit } from './exits.ts';
import type { Group } from './rollout-plan.ts';
import { steeredWords } from './rollout-words.ts';
import type { Session } from './session.ts';

export type Plan = RouteBodyInput<'startRollout'>['plan'];

/** Of every plan. */
export interface PlanFlags {
  readonly note?: string;
  readonly success: number;
  readonly errors: number;
  readonly rest: number;
  readonly most?: number;
}

/** Hands in a plan by its flags, with what each kind of rollout has of its own, and tells how it stands. */
export async function handIn(
  session: Session,
  flags: PlanFlags,
  groups: readonly Group[],
  deadlineMinutes: number,
  notBefore: string | undefined,
  own: Pick<Plan, 'documents' | 'rollbacks' | 'update'>,
): Promise<Exit> {
  const { client, io } = session;
  const plan: Plan = {
    id: io.newId(),
    ...(flags.note === undefined ? {} : { note: flags.note }),
    groups: groups.map(({ name, units }) => ({ name, units: [...units] })),
    successThreshold: flags.success,
    errorThreshold: flags.errors,
    deadlineMinutes,
    restMinutes: flags.rest,
    ...(flags.most === undefined ? {} : { mostAtOnce: flags.most }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...own,
  };
  const rollout = await client.call('startRollout', { parameters: {}, body: { plan } }, io.signal);
  tellState(session, rollout);
  if (!session.json) session.noteCall('Follow it', `${fleetProgram} rollout show ${rollout.id.slice(0, 8)} --watch`);
  return exit.done;
}

/** After a call that steered it. */
export function tellState(session: Session, rollout: Rollout): void {
  session.tell(rollout);
  session.say(steeredWords(rollout, session.io.clock.utc()));
}
