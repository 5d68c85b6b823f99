import { executeCarry, executeComplete, executeInstall, executePrepare } from './execute-build.ts';
import { executeCheck, executeReport } from './execute-check.ts';
import { executeClean, executeDownload } from './execute-download.ts';
import {
  answered,
  executeAdopt,
  executeConfirm,
  executeGoBack,
  executeRestart,
  executeRollBack,
  executeSwitch,
  executeTest,
} from './execute-trial.ts';
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

/** Every step has its executor, or this does not compile. */
export const executors: { readonly [Kind in Done]: Execute<Kind> } = {
  check: executeCheck,
  report: executeReport,
  clean: executeClean,
  download: executeDownload,
  prepare: executePrepare,
  install: executeInstall,
  carry: executeCarry,
  complete: executeComplete,
  switch: executeSwitch,
  adopt: executeAdopt,
  restart: executeRestart,
  test: executeTest,
  confirm: executeConfirm,
  'roll-back': executeRollBack,
  'go-back': executeGoBack,
  decline: async ({ reason }, { session }) => answered(session, { good: false, words: reason }),
  end: (step, desk) => desk.end(step),
};
