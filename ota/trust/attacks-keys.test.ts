import { sha256 } from '../../device/kernel/hash.ts';
import { repositoryNames } from '../contract/repository.ts';
import { type Attack, day, directed, publishBy, refuseEach, three } from './testing/attack.ts';
import { contentOf, type MadeKey, madeKey, signedMetadata } from './testing/made-keys.ts';
import { madeNow, madeTarget, one, roleNames, targetEntry, two } from './testing/made-repositories.ts';

const signatureCodes = {
  root: 'root-threshold',
  timestamp: 'timestamp-signature',
  snapshot: 'snapshot-signature',
  targets: 'targets-signature',
} as const;

const forged: Attack[] = repositoryNames.flatMap((name) =>
  roleNames.flatMap((role): Attack[] => [
    {
      what: `forged: ${role} of ${name} by keys of nobody`,
      code: signatureCodes[role],
      with: ({ [name]: repository, thief }) => publishBy(repository, role, [thief, madeKey()]),
    },
    {
      what: `forged: ${role} of ${name} by keys of nobody under the ids of its own`,
      code: signatureCodes[role],
      with: ({ [name]: repository, thief }) =>
        publishBy(
          repository,
          role,
          repository.roles[role].keys.map(({ id }) => ({ ...thief, id })),
        ),
    },
    {
      what: `forged: ${role} of ${name} by the keys of every other role`,
      code: signatureCodes[role],
      with: ({ [name]: repository }) =>
        publishBy(
          repository,
          role,
          roleNames.filter((other) => other !== role).flatMap((other) => repository.roles[other].keys),
        ),
    },
  ]),
);

const stolen: Attack[] = [
  ...repositoryNames.flatMap((name): Attack[] => [
    ...[0, 1, 2].map(
      (index): Attack => ({
        what: `stolen: root key ${index + 1} of 3 of ${name}, which hands the repository to its thief`,
        code: 'root-threshold',
        with: ({ [name]: repository, thief }) => {
          const { root, targets, snapshot, timestamp } = repository.roles;
          const key = root.keys[index] as MadeKey;
          for (const role of [root, targets, snapshot, timestamp]) Object.assign(role, { keys: [thief], threshold: 1 });
          repository.publishRoot([key, thief]);
          repository.publish();
        },
      }),
    ),
    {
      what: `stolen: root key of ${name}, signing twice`,
      code: 'metadata-malformed',
      with: ({ [name]: repository }) => {
        const key = repository.roles.root.keys[0] as MadeKey;
        repository.publishRoot([key, key]);
      },
    },
    {
      what: `stolen: all root keys before, of ${name}, for a root that its own keys have not signed`,
      code: 'root-threshold',
      with: ({ [name]: repository, thief }) => {
        const { keys } = repository.roles.root;
        repository.roles.root.keys = [thief, madeKey(), madeKey()];
        repository.publishRoot(keys);
      },
    },
    ...(['snapshot', 'targets'] as const).map(
      (role): Attack => ({
        what: `stolen: ${role} keys of ${name}, alone: what lists it does not know the file`,
        code: `${role}-mismatch`,
        with: ({ [name]: repository }) => {
          repository.publish();
          const file = repository.newest(role);
          const { signed } = contentOf(repository.files.get(file) as Buffer);
          const later = { ...signed, expires: '2026-03-20T00:00:00Z' };
          repository.files.set(file, signedMetadata(later, repository.roles[role].keys));
        },
      }),
    ),
    {
      what: `stolen: timestamp key of ${name}, with a snapshot of the thief`,
      code: 'snapshot-signature',
      with: ({ [name]: repository, thief }) => publishBy(repository, 'snapshot', [thief]),
    },
    {
      what: `stolen: timestamp and snapshot keys of ${name}, with targets of the thief`,
      code: 'targets-signature',
      with: ({ [name]: repository, thief }) => publishBy(repository, 'targets', [thief, madeKey()]),
    },
    {
      what: `stolen: timestamp key of ${name}, which keeps it fresh until the snapshot has run out`,
      code: 'snapshot-expired',
      with: ({ image, director, unit, [name]: repository }) => {
        for (const other of [image, director]) {
          for (const role of roleNames) if (role !== 'root') other.roles[role].expires = madeNow + 80 * day;
          if (other !== repository) other.publish();
        }
        repository.publishTimestamp();
        unit.clock.setUtc(madeNow + 31 * day);
      },
    },
  ]),
  ...[0, 1, 2].map(
    (index): Attack => ({
      what: `stolen: targets key ${index + 1} of 3 of the image repository, with all its online keys and all of the director`,
      code: 'targets-signature',
      with: (at) => {
        const evil = { ...three, sha256: sha256('evil') };
        at.image.targets.set(evil.target, targetEntry(evil));
        publishBy(at.image, 'targets', [at.image.roles.targets.keys[index] as MadeKey]);
        directed(at, [evil]);
      },
    }),
  ),
  {
    what: 'stolen: all of the director: a target of the thief',
    code: 'target-unknown',
    with: (at) => directed(at, [{ ...three, target: 'evil-1.0.0-r3-x64.tar.zst' }]),
  },
  {
    what: 'stolen: all of the director: other content under a name that is published',
    code: 'repositories-disagree',
    with: (at) => directed(at, [{ ...two, sha256: sha256('evil') }]),
  },
  {
    what: 'stolen: all of the director: a release that was left behind',
    code: 'release-rollback',
    with: (at) => directed(at, [one]),
  },
  {
    what: 'stolen: all of the director: the release that was left behind, said to be new',
    code: 'repositories-disagree',
    with: (at) => directed(at, [{ ...one, description: { ...one.description, release: 3 } }]),
  },
  {
    what: 'stolen: all of the director: the scene of another unit, by which this one would accuse whom its camera does not see',
    code: 'wrong-unit',
    with: (at) => {
      const other = madeTarget(3, { kind: 'scene', name: 'scene-unit-2', unit: 'unit-2' });
      at.made.release(other);
      directed(at, [other]);
    },
  },
  {
    what: 'stolen: all of the director: the scene of another unit, said to be of this one',
    code: 'repositories-disagree',
    with: (at) => {
      const other = madeTarget(3, { kind: 'scene', name: 'scene-unit-2', unit: 'unit-2' });
      at.made.release(other);
      directed(at, [{ ...other, description: { ...other.description, unit: 'unit-1' } }]);
    },
  },
  {
    what: 'stolen: all of the director: a scene that is of nobody',
    code: 'description-malformed',
    with: (at) => {
      const other = madeTarget(3, { kind: 'scene', name: 'scene-unit-1' });
      at.made.release(other);
      directed(at, [other]);
    },
  },
  {
    what: 'stolen: all of the director: what is published for other hardware',
    code: 'wrong-hardware',
    with: (at) => {
      const other = madeTarget(3, { hardware: ['arm64-rpi4'] });
      at.made.release(other);
      directed(at, [other]);
    },
  },
  {
    what: 'stolen: all of the director: what is published for other hardware, said to be for this',
    code: 'repositories-disagree',
    with: (at) => {
      const other = madeTarget(3, { hardware: ['arm64-rpi4'] });
      at.made.release(other);
      directed(at, [{ ...other, description: { ...other.description, hardware: ['x64'] } }]);
    },
  },
  {
    what: 'stolen: all of the image repository’s keys, none of the director’s: content that the director has not named',
    code: 'repositories-disagree',
    with: ({ image }) => {
      image.targets.set(two.target, targetEntry({ ...two, sha256: sha256('evil') }));
      image.publish();
    },
  },
];

refuseEach([...forged, ...stolen]);
