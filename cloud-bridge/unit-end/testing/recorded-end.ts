import { systemClock } from '../../../device/kernel/clock.ts';
import type { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Refused } from '../../contract/message.ts';
import type { LinkSession } from '../../link/link.ts';
import { type OwnState, UnitEnd, type UnitEndParts } from '../unit-end.ts';

/** What reached an inbox. */
export interface Delivered {
  readonly inbox:
    | 'ack'
    | 'desired'
    | 'command'
    | 'evidenceGet'
    | 'cosigned'
    | 'certificateGrant'
    | 'jobNotify'
    | 'streamAnswer'
    | 'streamData';
  readonly content: unknown;
  /** Of a command, and of a block. */
  readonly topic?: Readonly<Record<string, string>>;
}

/** The end of a unit whose inboxes do nothing but remember, and everything that it told. `state` and `checkpoint` may be changed. */
export interface RecordedEnd {
  readonly end: UnitEnd;
  readonly delivered: Delivered[];
  readonly refused: Refused[];
  readonly faults: AtalayaError[];
  readonly sessions: LinkSession[];
  readonly offline: (AtalayaError | undefined)[];
  state: OwnState;
  checkpoint: string | undefined;
}

export function recordedEnd(unit: string, openLink: UnitEndParts['openLink']): RecordedEnd {
  const delivered: Delivered[] = [];
  const [refused, faults, sessions, offline]: [
    RecordedEnd['refused'],
    RecordedEnd['faults'],
    RecordedEnd['sessions'],
    RecordedEnd['offline'],
  ] = [[], [], [], []];
  const recorded: RecordedEnd = {
    delivered,
    refused,
    faults,
    sessions,
    offline,
    state: { boot: 'boot-1', health: 'good' },
    checkpoint: undefined,
    end: new UnitEnd({
      unit,
      clock: systemClock,
      openLink,
      state: () => recorded.state,
      checkpoint: () => recorded.checkpoint,
      inboxes: {
        ack: (content) => void delivered.push({ inbox: 'ack', content }),
        desired: async (content) => void delivered.push({ inbox: 'desired', content }),
        command: async (content, topic) => void delivered.push({ inbox: 'command', content, topic: { ...topic } }),
        evidenceGet: async (content) => void delivered.push({ inbox: 'evidenceGet', content }),
        cosigned: async (content) => void delivered.push({ inbox: 'cosigned', content }),
        certificateGrant: (content) => void delivered.push({ inbox: 'certificateGrant', content }),
        updates: {
          notified: (job) => void delivered.push({ inbox: 'jobNotify', content: job }),
          answered: (content) => void delivered.push({ inbox: 'streamAnswer', content }),
          block: (id, block, content) =>
            void delivered.push({ inbox: 'streamData', content, topic: { id, block: String(block) } }),
        },
      },
      online: (session) => sessions.push(session),
      offline: (fault) => offline.push(fault),
      refused: (one) => refused.push(one),
      onFault: (fault) => faults.push(fault),
    }),
  };
  return recorded;
}
