import { existsSync } from 'node:fs';
import { systemFiles } from '../../../kernel/files.ts';
import { checkEvidence } from './check-evidence.ts';
import { forgetfulFiles, sealForever } from './seal-forever.ts';

/**
 * A unit under load: `FOLDER RECIPIENT check|work|work-without-sync`. It first checks what an earlier start has left, then seals until the
 * power goes, unless it is to check alone.
 */

const [folder = '', recipient = '', what = ''] = process.argv.slice(2);
const say = (line: string): void => console.log(line);
if (existsSync(folder)) await checkEvidence(folder, say);
else say('whole nothing: there is no store');
if (what !== 'check') await sealForever(folder, recipient, what === 'work' ? systemFiles : forgetfulFiles, say);
