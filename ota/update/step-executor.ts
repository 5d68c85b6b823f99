import type { UpdateDesk } from './update-desk.ts';
import type { UpdateStep } from './update-step.ts';

/** What does a step: through the desk, and what it changes in what is remembered is durable when it resolves. */
export type Execute<Kind extends UpdateStep['kind']> = (
  step: Extract<UpdateStep, { readonly kind: Kind }>,
  desk: UpdateDesk,
  around: { readonly signal: AbortSignal; readonly beat: () => void },
) => Promise<void>;

/** The steps that do something; waiting is the keeper's. */
export type Done = Exclude<UpdateStep['kind'], 'idle' | 'wait'>;
