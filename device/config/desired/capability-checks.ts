import type { Config } from '../config-schema.ts';
import type { Refusal, RefusalCode } from './refusal.ts';
import type { UnitFacts } from './unit-facts.ts';

export interface Judged {
  /** As it would be in force. */
  readonly config: Config;
  /** The unit's own. */
  readonly base: Config;
  readonly facts: UnitFacts;
  /** Whether the document speaks of a field, or of one in a section. */
  readonly touched: (path: string) => boolean;
}

export interface CapabilityCheck {
  /** Fields whose setting calls for it. */
  readonly about: readonly string[];
  readonly check: (judged: Judged) => readonly Refusal[];
}

/** Share of the machine's memory that frames, clips and crops may have; the rest is for networks, runtime and system. */
const MEMORY_SHARE = 0.5;
/** The clips that are being sealed hold three quarters as much as the ring besides. */
const RING_WITH_CLIPS = 1.75;

/** What the schema cannot know: what this very unit has, and which fields contradict one another. Each is pure. */
export const capabilityChecks: readonly CapabilityCheck[] = [
  {
    about: ['detector.bundle', 'plates.finder', 'plates.readers'],
    check: ({ config: { detector, plates }, facts: { bundles }, touched }) => {
      if (bundles === 'any') return [];
      const named: readonly (readonly [string, string])[] = [
        ['detector.bundle', detector.bundle],
        ['plates.finder', plates.finder],
        ...plates.readers.map((reader, i) => [`plates.readers[${i}]`, reader] as const),
      ];
      return named.flatMap(([path, bundle]) =>
        touched(path.replace(/\[.*/, '')) && !bundles.includes(bundle)
          ? no('bundle-not-here', path, 'names a model bundle that is not on this unit')
          : [],
      );
    },
  },
  {
    about: ['detector.threads', 'plates.threads'],
    check: ({ config: { detector, plates }, facts: { cores }, touched }) =>
      (
        [
          ['detector.threads', detector.threads],
          ['plates.threads', plates.threads],
        ] as const
      ).flatMap(([path, threads]) =>
        touched(path) && threads > cores
          ? no('threads-beyond-cores', path, `is ${threads}, and this unit has ${cores} cores`)
          : [],
      ),
  },
  {
    about: ['plates.read', 'plates.lists', 'flags.watchLists'],
    check: ({ config: { plates, flags }, facts: { sceneFormats }, touched }) => {
      if (sceneFormats) return [];
      const asked: readonly (readonly [string, boolean])[] = [
        ['plates.read', plates.read],
        ['plates.lists', plates.lists.length > 0],
        ['flags.watchLists', flags.watchLists],
      ];
      return asked.flatMap(([path, wanted]) =>
        touched(path) && wanted
          ? no('scene-without-formats', path, 'asks for plates to be read, and the scene of this unit names no formats')
          : [],
      );
    },
  },
  {
    about: ['plates.lists'],
    check: ({ config: { plates }, facts: { hasFile } }) =>
      plates.lists.flatMap((list, i) => {
        const path = `plates.lists[${i}]`;
        if (!list.startsWith('/')) return no('path-relative', path, 'does not begin at /');
        return hasFile === undefined || hasFile(list) ? [] : no('list-not-here', path, 'is not on this unit');
      }),
  },
  {
    about: ['evidence.authority', 'evidence.operators'],
    check: ({ config: { evidence }, base, facts, touched }) => {
      const fits = facts.isRecipient ?? ((text: string) => /^age1[02-9ac-hj-np-z]{20,}$/.test(text));
      const strange = (['authority', 'operators'] as const).flatMap((list) =>
        evidence[list].flatMap((recipient, i) =>
          touched(`evidence.${list}`) && !fits(recipient)
            ? no('recipient-malformed', `evidence.${list}[${i}]`, 'is no age recipient')
            : [],
        ),
      );
      const emptied = evidence.authority.length === 0 && base.evidence.authority.length > 0;
      return emptied
        ? [...strange, ...no('authority-emptied', 'evidence.authority', 'is empty: no picture would be kept any more')]
        : strange;
    },
  },
  {
    about: ['evidence.witnesses'],
    check: ({ config: { evidence }, facts }) => {
      const fits = facts.isVerifierKey ?? ((text: string) => /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(text));
      return evidence.witnesses.flatMap((witness, i) =>
        fits(witness) ? [] : no('witness-malformed', `evidence.witnesses[${i}]`, 'is no verifier key of a witness'),
      );
    },
  },
  {
    about: ['evidence.retention'],
    check: ({ config: { evidence }, facts: { rules } }) => retentionFaults(evidence.retention, rules),
  },
  {
    about: ['evidence.keepFreeMegabytes', 'evidence.reserveMegabytes', 'evidence.retention'],
    check: ({ config: { evidence } }) => {
      const room = evidence.retention.some(({ whenFull }) => whenFull);
      return room && evidence.keepFreeMegabytes < evidence.reserveMegabytes
        ? no(
            'reserve-above-free',
            'evidence.keepFreeMegabytes',
            'is less than evidence.reserveMegabytes: evidence would be refused before any makes room',
          )
        : [];
    },
  },
  {
    about: ['evidence.keepFreeMegabytes', 'evidence.reserveMegabytes', 'cloud.telemetryQueueMegabytes'],
    check: ({ config: { evidence, cloud }, facts: { diskBytes } }) => {
      const wanted = Math.max(evidence.keepFreeMegabytes, evidence.reserveMegabytes) + cloud.telemetryQueueMegabytes;
      return wanted * 1e6 > diskBytes
        ? no(
            'disk-short',
            'evidence.keepFreeMegabytes',
            `with what is reserved and the queue is ${wanted} MB, and the disk has ${Math.floor(diskBytes / 1e6)} MB`,
          )
        : [];
    },
  },
  {
    about: ['evidence.ringMegabytes', 'plates.queueMegabytes'],
    check: ({ config: { evidence, plates }, facts: { memoryBytes } }) => {
      const wanted = Math.ceil(evidence.ringMegabytes * RING_WITH_CLIPS + plates.queueMegabytes);
      const given = Math.floor((memoryBytes * MEMORY_SHARE) / 1e6);
      return wanted > given
        ? no(
            'memory-short',
            'evidence.ringMegabytes',
            `with clips and plates.queueMegabytes is ${wanted} MB, and this unit gives ${given} MB`,
          )
        : [];
    },
  },
  {
    about: ['signal.beacon.output', 'signal.strobe.output'],
    check: ({ config: { signal }, facts: { outputs }, touched }) => {
      const missing = (['beacon', 'strobe'] as const).flatMap((lamp) =>
        touched(`signal.${lamp}.output`) && outputs !== 'any' && !outputs.includes(signal[lamp].output)
          ? no('output-not-here', `signal.${lamp}.output`, 'names a line that this unit does not have')
          : [],
      );
      return signal.beacon.output === signal.strobe.output
        ? [...missing, ...no('output-twice', 'signal.strobe.output', 'is the line of the beacon too')]
        : missing;
    },
  },
  {
    // On one machine a person may try things out without TLS, in the unit's own file; nobody sends a unit there.
    about: ['cloud.broker'],
    check: ({ config: { cloud } }) =>
      cloud.broker === undefined || cloud.broker.startsWith('mqtts://')
        ? []
        : no('broker-not-mqtts', 'cloud.broker', 'is not mqtts://'),
  },
];

type Policies = Config['evidence']['retention'];

function retentionFaults(policies: Policies, known: readonly string[]): readonly Refusal[] {
  const toAll = policies.findIndex(({ rules }) => rules === undefined);
  return policies.flatMap(({ name, rules, keepDays, whenFull }, i) => {
    const path = `evidence.retention[${i}]`;
    const strange = (rules ?? []).flatMap((rule, n) =>
      known.includes(rule) ? [] : no('rule-unknown', `${path}.rules[${n}]`, 'is no rule of this unit'),
    );
    const idle =
      keepDays === undefined && !whenFull
        ? no('retention-idle', path, 'erases nothing: it has neither keepDays nor whenFull')
        : [];
    const twice = policies.findIndex((other) => other.name === name) < i;
    const named = twice ? no('retention-name-twice', `${path}.name`, 'is the name of another policy too') : [];
    const behind =
      toAll >= 0 && toAll < i
        ? no('retention-unreachable', path, `never decides: retention[${toAll}] before it is about every rule`)
        : [];
    return [...strange, ...idle, ...named, ...behind];
  });
}

function no(code: RefusalCode, path: string, words: string): readonly Refusal[] {
  return [{ code, words: `${path} ${words}` }];
}
