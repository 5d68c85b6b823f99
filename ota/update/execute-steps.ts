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
import type { Done, Execute } from './step-executor.ts';

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
