import { spawn } from 'node:child_process';
import type { CommandExecutors } from '../../../cloud-bridge/unit-end/commands/command-types.ts';
import type { Grants } from '../../../cloud-bridge/unit-end/evidence/grants.ts';
import type { FrameRing } from '../../capture/frame-ring.ts';
import type { BystanderMemory } from '../../evidence/pictures/bystander-memory.ts';
import { maskedSnapshot } from '../../evidence/pictures/snapshot.ts';
import type { JsonValue } from '../../kernel/canonical-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log/log.ts';
import type { Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds, toIso, utcMilliseconds } from '../../kernel/units.ts';
import type { SelfTestReport } from '../../selftest/contract/self-test-report.ts';
import type { SelfTestRequest } from '../selftest/unit-selftest.ts';
import type { UnitHealth } from './health.ts';

/** What there is once the source is open. */
export interface UnitEyes {
  readonly ring: FrameRing;
  readonly bystanders: BystanderMemory;
  readonly selfTest: (request: SelfTestRequest) => Promise<SelfTestReport>;
}

export interface CommandParts {
  readonly health: Pick<UnitHealth, 'lastFrame' | 'diagnose'>;
  /** Undefined while the camera has not come. */
  readonly eyes: () => UnitEyes | undefined;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly log: Log;
  /** Ends this program, which whoever started it begins anew. */
  readonly restart: (why: string) => void;
  readonly reboot: 'program' | 'machine';
}

/** A reply travels in one packet, its picture in base64. */
const SNAPSHOT_BYTES = 80_000;
const HOUR = 3_600_000;

/** A unit that has just begun opens its source meanwhile; a self-test may take two minutes. */
const eyesPatience = milliseconds(20_000);
/** A clip that begins again, or a camera whose line was lost for a moment, has a frame within this. */
const framePatience = milliseconds(5000);
const lookStep = milliseconds(250);

/** What the unit does when it is told to. */
export function commandExecutors(parts: CommandParts, grants: Grants): CommandExecutors {
  const { health, clock, log } = parts;
  const noFrame = () => ({ outcome: 'failed', reason: `no-frame: ${noFrameWords(health.lastFrame, clock)}` }) as const;
  return {
    'self-test': async ({ pulse = [], seal = false }, { person: { name, role, key }, signal }) => {
      const actor = { kind: 'operator', name, role, key } as const;
      const eyes = await soon(parts.eyes, eyesPatience, parts, signal);
      if (eyes === undefined) return noFrame();
      const report = await eyes.selfTest({ pulse, seal, asked: 'command', actor });
      // It was done, whatever was found: a reply that failed would have no room for what.
      return { outcome: 'done', result: { report: report as JsonValue } };
    },
    snapshot: async ({ width }, { signal }) => {
      const held = await soon(() => parts.eyes()?.ring.holdNewest(), framePatience, parts, signal);
      const eyes = parts.eyes();
      if (held === undefined) return noFrame();
      try {
        if (eyes === undefined) return noFrame();
        const { frame } = held;
        const around = eyes.bystanders.around(frame);
        const image = await maskedSnapshot(frame, around, { width, mostBytes: SNAPSHOT_BYTES });
        const { utc } = frame.time;
        const at = new Date(utc).toISOString();
        return { outcome: 'done', result: { image: image.toString('base64'), mediaType: 'image/jpeg', at } };
      } finally {
        held.release();
      }
    },
    reboot: async ({ reason }, { person }) => ({
      outcome: 'done',
      result: { restarts: parts.reboot },
      after: () => {
        log.warn({ part: 'commands', person: person.name, reason }, `the ${parts.reboot} is started again`);
        if (parts.reboot === 'machine') rebootMachine(log);
        parts.restart(`${person.name}: ${reason}`);
      },
    }),
    'log-level': async ({ level, minutes }) => {
      log.setLevel(level, milliseconds(minutes * 60_000));
      return { outcome: 'done', result: { level, minutes } };
    },
    'evidence-pull': async ({ evidence, files, hours }, { signal }) => {
      const until = utcMilliseconds(clock.utc() + hours * HOUR);
      // Without the key file of its package no file opens.
      const granted = files === undefined ? 'all' : [...new Set(['keys', ...files])];
      for (const id of evidence) {
        // Nothing is granted any more of what was answered as failed.
        if (signal.aborted) return { outcome: 'failed', reason: 'interrupted: not everything was granted' };
        await grants.grant(id, granted, until);
      }
      return { outcome: 'done', result: { evidence, until: new Date(until).toISOString() } };
    },
    diagnostics: async ({ minutes, everyS }) => {
      health.diagnose(milliseconds(minutes * 60_000), milliseconds(everyS * 1000));
      return { outcome: 'done', result: { minutes, everyS } };
    },
  };
}

/** What is looked for; undefined where it has not come within the patience, or the command is over. */
async function soon<T>(
  look: () => T | undefined,
  patience: Milliseconds,
  { clock, timer }: Pick<CommandParts, 'clock' | 'timer'>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const until = clock.monotonic() + patience;
  for (;;) {
    const found = look();
    if (found !== undefined || signal.aborted || clock.monotonic() >= until) return found;
    await timer.sleep(lookStep, signal);
  }
}

/** `last`: of the monotonic clock. */
function noFrameWords(last: Milliseconds | undefined, clock: Clock): string {
  if (last === undefined) return 'the camera has delivered none yet';
  const since = toIso(utcMilliseconds(clock.utc() - (clock.monotonic() - last)));
  return `none is here, the last one came at ${since}: the source has ended, or the camera is being connected again`;
}

/** Where the machine is not ours to start again, the program is, and the log says why. */
function rebootMachine(log: Log): void {
  const refused = (why: string) => log.error({ part: 'commands', why }, 'the machine is not started again');
  const child = spawn('systemctl', ['reboot'], { stdio: 'ignore' });
  child.once('error', (error) => refused(error.message));
  child.once('exit', (code) => {
    if (code !== null && code !== 0) refused(`systemctl ended with status ${code}`);
  });
  child.unref();
}
