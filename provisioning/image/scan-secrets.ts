import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something in a root file system that no two machines may share, or that says where it was made. Paths from its root. */
export interface Secret {
  readonly path: string;
  readonly why: string;
}

const forbidden: readonly (readonly [RegExp, string])[] = [
  [/^etc\/ssh\/ssh_host_/, 'a host key'],
  [/(^|\/)(\.npm|_cacache|\.cache)\//, 'a cache'],
  [/^(root|home\/[^/]+)\/\.[^/]*(history|ssh|netrc|gnupg|npmrc)/, 'traces of a person'],
  [/^var\/lib\/systemd\/(random-seed|credential\.secret)$/, 'a seed of random numbers'],
  [/^etc\/chrony\/chrony\.keys$/, 'keys of a clock'],
  [/^var\/lib\/dbus\/machine-id$/, 'an identity'],
  [/^var\/lib\/atalaya\/./, "a unit's data"],
  [/^var\/cache\/apt\/archives\/.*\.deb$/, 'a cache'],
  [/^etc\/ssl\/private\/./, 'a private key'],
];

const privateKey =
  /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----[\r\n]+[A-Za-z0-9+/=\r\n]{40}|AGE-SECRET-KEY-1[A-Z0-9]{20}|AGE-PLUGIN-[A-Z0-9]+-1[A-Z0-9]{20}/;
const token = /^\s*\/\/[^\s]+:_(authToken|password)\s*=\s*[^\s$]/m;
const mostRead = 2 * 1024 * 1024;

/** Everything in a folder that must not be in an image. */
export function scanSecrets(root: string): readonly Secret[] {
  const found: Secret[] = [];
  const walk = (below: string): void => {
    for (const name of readdirSync(join(root, below)).sort()) {
      const path = below === '' ? name : `${below}/${name}`;
      const stat = lstatSync(join(root, path));
      if (stat.isDirectory()) {
        walk(path);
        continue;
      }
      const rule = forbidden.find(([pattern]) => pattern.test(path));
      if (rule !== undefined && stat.size > 0) found.push({ path, why: rule[1] });
      if (!stat.isFile() || stat.size === 0 || stat.size > mostRead) continue;
      const why = whyNot(path, readFileSync(join(root, path), 'latin1'));
      if (why !== undefined) found.push({ path, why });
    }
  };
  walk('');
  return found;
}

function whyNot(path: string, text: string): string | undefined {
  if (path === 'etc/machine-id') return text.trim() === '' ? undefined : 'an identity';
  if (/^etc\/g?shadow-?$/.test(path)) {
    const open = text.split('\n').find((line) => line !== '' && !/^[!*]/.test(line.split(':')[1] ?? ''));
    return open === undefined ? undefined : `a password, or none at all, for ${open.split(':')[0]}`;
  }
  if (privateKey.test(text)) return 'a private key';
  if (token.test(text)) return 'a password of a registry';
  return undefined;
}
