import { repositoryNames } from '../contract/repository.ts';
import { type Attack, day, past, refuseEach, type Situation } from './testing/attack.ts';
import { madeNow, madeRepositories, one, roleNames, two } from './testing/made-repositories.ts';

const expired: Attack[] = repositoryNames.flatMap((name) =>
  roleNames.map((role) => ({
    what: `expired: ${role} of ${name}`,
    code: `${role}-expired` as const,
    with: ({ [name]: repository, unit }: Situation) => {
      // Of the root that is known already: the time goes by. Of all others a version that is new and has run out.
      if (role === 'root') {
        for (const other of roleNames) repository.roles[other].expires = madeNow + 4000 * day;
        repository.publish();
        unit.clock.setUtc(madeNow + 366 * day);
        return;
      }
      repository.roles[role].expires = past;
      repository.publish();
    },
  })),
);

const rolledBack: Attack[] = repositoryNames.flatMap((name): Attack[] => [
  {
    what: `rolled back: all of ${name} as it was before`,
    code: 'timestamp-rollback',
    with: ({ [name]: repository, old }) => repository.serve(old[name]),
  },
  {
    what: `rolled back: snapshot of ${name}, by a new timestamp`,
    code: 'snapshot-rollback',
    with: ({ [name]: repository }) => {
      repository.roles.snapshot.version -= 1;
      repository.publishTimestamp();
    },
  },
  {
    what: `rolled back: targets of ${name}, by a new snapshot and timestamp`,
    code: 'targets-rollback',
    with: ({ [name]: repository }) => {
      repository.roles.targets.version -= 1;
      repository.publishSnapshot();
      repository.publishTimestamp();
    },
  },
  {
    what: `rolled back: an older root of ${name} under the next number`,
    code: 'root-rollback',
    with: ({ [name]: repository, made }) => {
      repository.files.set('2.root.json', made.roots[name]);
    },
  },
  {
    what: `frozen: ${name} as it is, until it has run out`,
    code: 'timestamp-expired',
    with: ({ [name]: repository, image, director, unit }) => {
      const frozen = repository.served();
      for (const other of [image, director]) {
        other.roles.timestamp.expires = madeNow + 20 * day;
        other.publish();
      }
      repository.serve(frozen);
      unit.clock.setUtc(madeNow + 8 * day);
    },
  },
]);

const mixed: Attack[] = repositoryNames.flatMap((name): Attack[] => [
  {
    what: `mixed: a timestamp of ${name} with the snapshot before`,
    code: 'snapshot-mismatch',
    with: ({ [name]: repository }) => {
      const before = repository.files.get(repository.newest('snapshot')) as Buffer;
      repository.publish();
      repository.files.set(repository.newest('snapshot'), before);
    },
  },
  {
    what: `mixed: a snapshot of ${name} with the targets before`,
    code: 'targets-mismatch',
    with: ({ [name]: repository }) => {
      const before = repository.files.get(repository.newest('targets')) as Buffer;
      repository.publish();
      repository.files.set(repository.newest('targets'), before);
    },
  },
  {
    what: `mixed: the snapshot before, where a timestamp of ${name} gives no hash`,
    code: 'snapshot-mismatch',
    with: ({ [name]: repository }) => {
      const before = repository.files.get(repository.newest('snapshot')) as Buffer;
      repository.publish();
      const { version } = repository.roles.snapshot;
      repository.files.set(repository.newest('snapshot'), before);
      Object.assign(repository.extra.timestamp, { meta: { 'snapshot.json': { version } } });
      repository.publishTimestamp();
    },
  },
  {
    what: `mixed: the targets before, where a snapshot of ${name} gives no hash`,
    code: 'targets-mismatch',
    with: ({ [name]: repository }) => {
      const before = repository.files.get(repository.newest('targets')) as Buffer;
      repository.publishTargets();
      const { version } = repository.roles.targets;
      repository.files.set(repository.newest('targets'), before);
      Object.assign(repository.extra.snapshot, { meta: { 'targets.json': { version } } });
      repository.publishSnapshot();
      repository.publishTimestamp();
    },
  },
  {
    what: `mixed: ${name} of another maker`,
    code: 'timestamp-signature',
    with: ({ [name]: repository }) => {
      const other = madeRepositories();
      other.release(one, two);
      other.assign([two]);
      other.assign([two]);
      repository.serve(other[name].served());
    },
  },
  {
    what: `mixed: the other repository in the place of ${name}`,
    code: 'timestamp-signature',
    with: ({ [name]: repository, image, director }) =>
      repository.serve((repository === image ? director : image).served()),
  },
]);

refuseEach([...expired, ...rolledBack, ...mixed]);
