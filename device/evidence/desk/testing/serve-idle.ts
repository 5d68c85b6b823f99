import { writeSync } from 'node:fs';
import { serveDesk } from '../serve-desk.ts';
import { idleStore } from './idle-store.ts';

/** A program that serves an empty store at a path, under a umask, until it is killed. */
const [path = '', umask = '22'] = process.argv.slice(2);
process.umask(Number.parseInt(umask, 8));
await serveDesk(idleStore(), path);
writeSync(1, 'on\n');
