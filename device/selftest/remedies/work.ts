import type { Remedy } from './remedy.ts';

/** Of detector and evidence. */
export const workRemedies = {
  'detector-failed': {
    means: 'The network that finds vehicles does not run.',
    matters: 'Nothing is seen, and nobody is accused.',
    steps: [
      'Read what is said: a damaged or missing bundle is put in place anew, `detector.bundle`.',
      'Look whether memory is short: `free -m`.',
      'Install the software again.',
    ],
  },
  'detector-slow': {
    means: 'Looking at one picture takes long.',
    matters: 'Vehicles go by between two looks.',
    steps: [
      'Look at temperature and power: a processor that is held back is slow.',
      'Look what else works: `top`.',
      'Give it more: `detector.threads` up to the number of cores; or use the bundle for `onnxruntime`.',
    ],
  },
  'detector-blind': {
    means: 'Vehicles in a known picture are not found.',
    matters: 'They will not be found on the road either.',
    steps: [
      'Lower `detector.leastScore` to what the bundle was measured with.',
      'Use the bundle that came with the software: `detector.bundle`.',
      'Where it stays so: report bundle and board; its arithmetic may be wrong there.',
    ],
  },
  'evidence-refused': {
    means: 'Nothing can be sealed.',
    matters: 'Infractions are seen and lost.',
    steps: [
      'Look at storage first.',
      'Where the key is named: put it back, readable for the account of the unit alone; of a TPM, look whether it answers.',
      'Start the unit again: after a fault of the disk it seals nothing until it is opened anew.',
    ],
  },
  'evidence-faulty': {
    means: 'What was sealed does not verify.',
    matters: 'No court can use evidence of this unit.',
    steps: [
      'Take the unit out of service.',
      'Copy the evidence folder and verify it elsewhere: `atalaya-audit verify`.',
      'Test memory and medium of the board; exchange it.',
    ],
  },
  'evidence-no-authority': {
    means: 'Nobody is named who may open pictures, so none is kept.',
    matters: 'Infractions are stated without pictures.',
    steps: ["Name the authority's recipient in `evidence.authority` (`atalaya-audit new-authority` makes one)."],
  },
  'evidence-no-picture': {
    means: 'There was no picture to seal.',
    matters: 'Signing and storing work; sealing a picture was not tried.',
    steps: ['Look at the camera, then test again.'],
  },
} as const satisfies Readonly<Record<string, Remedy>>;
