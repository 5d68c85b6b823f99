import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { longestMetadata, mostTargets } from '../contract/repository.ts';
import { type Attack, refuseEach, resigned, respelt } from './testing/attack.ts';
import { type Json, type JsonObject, madeKey, signedMetadata } from './testing/made-keys.ts';
import { type RoleName, roleNames, targetEntry, two } from './testing/made-repositories.ts';

const endless: Attack[] = [
  ...roleNames.flatMap((role): Attack[] => [
    {
      what: `endless: a source that gives more of ${role} than was asked for`,
      code: 'metadata-endless',
      with: ({ made, director }) => {
        director.publish();
        made.source.answer = (path, most) =>
          path.includes(role) && path.startsWith('director/') ? { bytes: Buffer.alloc(most + 1, ' ') } : undefined;
      },
    },
    {
      what: `endless: a source that stops at the bound of ${role}`,
      code: 'metadata-endless',
      with: ({ made, director }) => {
        director.publish();
        made.source.answer = (path, most) => {
          if (path.includes(role) && path.startsWith('director/') && most === longestMetadata[role])
            throw new AtalayaError('document-refused', 'it does not end');
          return undefined;
        };
      },
    },
  ]),
  {
    what: 'withheld: the snapshot',
    code: 'metadata-absent',
    with: ({ image }) => {
      image.publish();
      image.files.delete(image.newest('snapshot'));
    },
  },
  {
    what: 'withheld: the targets',
    code: 'metadata-absent',
    with: ({ image }) => {
      image.publish();
      image.files.delete(image.newest('targets'));
    },
  },
  {
    what: 'withheld: all of the image repository',
    code: 'metadata-absent',
    with: ({ image }) => image.files.clear(),
  },
];

/** What the text of a file is, whoever signed it. */
const texts: Attack[] = (
  [
    ['nothing', () => ''],
    ['no JSON', (text) => text.slice(0, -5)],
    ['a list', () => '[]'],
    ['null', () => 'null'],
    ['bytes that are no UTF-8', (text) => text.replace('"signed"', '"signed\u{fffd}"')],
    ['a mark of byte order', (text) => `\u{feff}${text}`],
    ['deep as a well', (text) => text.replace('"signed":{', `"signed":{"x":${'['.repeat(7000)}${']'.repeat(7000)},`)],
    ['a field twice', (text) => text.replace('"version":', '"version":1,"version":')],
    ['a field twice, once escaped', (text) => text.replace('"version":', '"versi\\u006fn":1,"version":')],
    ['__proto__', (text) => text.replace('"version":', '"__proto__":{"version":9},"version":')],
    ['__proto__, escaped', (text) => text.replace('"version":', '"__pro\\u0074o__":{"version":9},"version":')],
    ['a field beside what is signed', (text) => text.replace('{"signatures"', '{"more":1,"signatures"')],
    [
      'signatures without end',
      (text) => text.replace(/"signatures":\[(.*?)\]/, (_, one) => `"signatures":[${Array(65).fill(one).join(',')}]`),
    ],
    ['one signature twice', (text) => text.replace(/"signatures":\[(.*?)\]/, '"signatures":[$1,$1]')],
    ['a signature that is no text', (text) => text.replace(/"sig":"[0-9a-f]*"/, '"sig":1')],
  ] as readonly (readonly [string, (text: string) => string])[]
).map(([what, change]) => ({
  what: `text: ${what}`,
  code: 'metadata-malformed',
  with: ({ image }) => respelt(image, change),
}));

/** Content that its own keys have signed, or a thief of these. */
const contents: Attack[] = [
  ...(
    [
      ['beyond what counts exactly', 2 ** 53],
      ['beyond the names of files', 1_000_000_000],
      ['zero', 0],
      ['below zero', -1],
      ['a text', '4'],
    ] as const
  ).flatMap(([what, version]): Attack[] => [
    {
      what: `content: a version that is ${what}`,
      code: 'metadata-malformed',
      with: ({ image }) => resigned(image, 'timestamp', (signed) => ({ ...signed, version })),
    },
    {
      what: `content: a version of the snapshot that is ${what}`,
      code: 'metadata-malformed',
      with: ({ image }) =>
        resigned(image, 'timestamp', (signed) => ({ ...signed, meta: { 'snapshot.json': { version } } })),
    },
  ]),
  ...(
    [
      ['of another role', { _type: 'snapshot' }],
      ['of the next specification', { spec_version: '2.0.0' }],
      ['without an end', { expires: undefined }],
      ['with an end that is no date', { expires: '2026-02-30T00:00:00Z' }],
      ['with an end in local time', { expires: '2099-01-01T00:00:00' }],
    ] as readonly (readonly [string, Record<string, Json | undefined>])[]
  ).map(
    ([what, change]): Attack => ({
      what: `content: a timestamp ${what}`,
      code: 'metadata-malformed',
      with: ({ image }) => resigned(image, 'timestamp', (signed) => ({ ...signed, ...change })),
    }),
  ),
  ...['../unit', '/etc/passwd', 'a/b', '..', 'A', 'a%2fb', 'a\\b', '', 'a\u0000b', 'x'.repeat(129)].map(
    (name): Attack => ({
      what: `content: a target of the name ${JSON.stringify(name).slice(0, 20)}`,
      code: 'metadata-malformed',
      with: ({ image }) => {
        image.targets.set(name, targetEntry(two));
        image.publish();
      },
    }),
  ),
  {
    what: 'content: half a pair of UTF-16, for which canonical forms differ',
    code: 'metadata-malformed',
    with: ({ director }) => {
      director.targets.set(two.target, { ...targetEntry(two), hashes: { sha256: two.sha256, x: '\ud800' } });
      director.publish();
    },
  },
  {
    what: 'content: more targets than are read',
    code: 'metadata-malformed',
    with: ({ image }) => {
      for (let i = image.targets.size; i <= mostTargets; i += 1) image.targets.set(`more-${i}`, targetEntry(two));
      image.publish();
    },
  },
  {
    what: 'content: targets that delegate',
    code: 'metadata-malformed',
    with: ({ image }) => resigned(image, 'targets', (signed) => ({ ...signed, delegations: { keys: {}, roles: [] } })),
  },
  {
    what: 'content: a snapshot that lists more than targets',
    code: 'metadata-malformed',
    with: ({ image }) =>
      resigned(image, 'snapshot', (signed) => ({
        ...signed,
        meta: { 'targets.json': { version: image.roles.targets.version }, 'more.json': { version: 1 } },
      })),
  },
  {
    what: 'content: a length of the snapshot that is not its own',
    code: 'snapshot-mismatch',
    with: ({ image }) =>
      resigned(image, 'timestamp', (signed) => ({
        ...signed,
        meta: { 'snapshot.json': { version: image.roles.snapshot.version, length: 2 ** 40 } },
      })),
  },
];

type RootContent = {
  keys: Record<string, JsonObject>;
  roles: Record<RoleName, { keyids: string[]; threshold: number }>;
};

/** Roots that their own keys have signed: not obeyed all the same. */
const roots: Attack[] = (
  [
    ['a threshold of zero', ({ roles }) => Object.assign(roles.targets, { threshold: 0 })],
    ['a threshold below zero', ({ roles }) => Object.assign(roles.targets, { threshold: -1 })],
    ['a threshold that its keys cannot reach', ({ roles }) => Object.assign(roles.targets, { threshold: 4 })],
    ['one key twice in a role', ({ roles }) => roles.targets.keyids.push(roles.targets.keyids[0] as string)],
    ['a role without keys', ({ roles }) => Object.assign(roles.snapshot, { keyids: [], threshold: 1 })],
    ['a key that is not listed', ({ roles }) => roles.snapshot.keyids.push('0'.repeat(64))],
    ['a role less', ({ roles }) => Reflect.deleteProperty(roles, 'snapshot')],
    [
      'a key under an id that is not its own',
      ({ keys, roles }) => {
        const [id] = roles.targets.keyids;
        keys['0'.repeat(64)] = keys[id as string] as JsonObject;
        roles.targets.keyids.push('0'.repeat(64));
      },
    ],
    [
      'one key in two spellings, each under its own id',
      ({ keys, roles }) => {
        const pem = madeKey('p256').json as { keytype: string; scheme: string; keyval: { public: string } };
        for (const text of [pem.keyval.public, `${pem.keyval.public}\n`]) {
          const id = sha256(`{"keytype":"ecdsa","keyval":{"public":"${text}"},"scheme":"ecdsa-sha2-nistp256"}`);
          keys[id] = { ...pem, keyval: { public: text } };
          roles.targets.keyids.push(id);
        }
      },
    ],
    [
      'a key of a kind that nobody uses',
      ({ keys }) => {
        keys['1'.repeat(64)] = { keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: { public: 'x' } };
      },
    ],
    ['no consistent snapshots', (content) => Object.assign(content, { consistent_snapshot: false })],
  ] as readonly (readonly [string, (content: RootContent) => unknown])[]
).map(([what, change]) => ({
  what: `root: ${what}`,
  code: 'metadata-malformed',
  with: ({ image }) => {
    const { root } = image.roles;
    root.version += 1;
    const content = structuredClone(image.rootContent()) as unknown as RootContent;
    change(content);
    image.files.set(`${root.version}.root.json`, signedMetadata(content as unknown as JsonObject, root.keys));
  },
}));

refuseEach([...endless, ...texts, ...contents, ...roots]);
