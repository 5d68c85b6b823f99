import type { SlotName } from '../contract/slots.ts';

/** What the launcher says to the program that it starts, by the environment. */
export interface Launched {
  /** Folder of the slots. */
  readonly root: string;
  /** Folder of the image's program. */
  readonly image: string;
  /** The launcher's own path. Replacing this process by `LAUNCHER run -- ARGS` starts what is to be started next under the same process id. */
  readonly launcher: string;
  readonly running: SlotName;
  /** Whether this start is one of a trial. */
  readonly trial: boolean;
  /** Folder of components by kind and name; absent for the image. */
  readonly components?: string;
  /** When the program before this one, which gave way to it, judged its last frame, UTC ms. */
  readonly lastFrame?: number;
}

/** For whoever runs anew in the same process. */
export const withoutLastFrame = ({ lastFrame: _, ...launched }: Launched): Launched => launched;

/** Undefined where the program was not started by the launcher. */
export function launchedBy(environment: Readonly<Record<string, string | undefined>>): Launched | undefined {
  const {
    ATALAYA_SLOTS: root,
    ATALAYA_IMAGE: image,
    ATALAYA_LAUNCHER: launcher,
    ATALAYA_SLOT: running,
    ATALAYA_TRIAL: trial,
    ATALAYA_COMPONENTS: components = '',
    ATALAYA_LAST_FRAME: lastFrame = '',
  } = environment;
  if (running !== 'a' && running !== 'b' && running !== 'image') return undefined;
  if (root === undefined || image === undefined || launcher === undefined) return undefined;
  return {
    ...{ root, image, launcher, running, trial: trial === '1' },
    ...(components === '' ? {} : { components }),
    ...(/^[0-9]{10,16}$/.test(lastFrame) ? { lastFrame: Number(lastFrame) } : {}),
  };
}
