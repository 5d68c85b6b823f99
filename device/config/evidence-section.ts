import { z } from 'zod';
import { atUnit, live, restart } from './apply.ts';

const policy = z.strictObject({
  name: z.string().min(1).max(100).meta(restart('Stands in the record of every erasure that it makes.')),
  rules: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta(
      restart('Rules whose infractions it is about; without it, all. Of several policies the first that fits decides.'),
    ),
  keepDays: z
    .number()
    .min(1)
    .max(36_500)
    .optional()
    .meta(restart('Evidence is erased so many days after it was sealed. Without it, age alone erases nothing.', 'd')),
  whenFull: z
    .boolean()
    .default(false)
    .meta(restart('Whether evidence may go earlier, oldest first, when less than `keepFreeMegabytes` are free.')),
});

const signing = z.strictObject({
  keyFile: z
    .string()
    .min(1)
    .optional()
    .meta(
      atUnit(
        'The private key that signs records, made at the first start where it is missing: Ed25519, PEM. Without it, `signing-key.pem` in the data folder. Relative paths start at the configuration file.',
      ),
    ),
  tpmHandle: z
    .string()
    .regex(/^0x81[0-9a-f]{6}$/, 'a persistent handle such as 0x81010001')
    .optional()
    .meta(atUnit('Persistent handle of a P-256 key in a TPM, which then signs instead of a file.')),
  tpm: z.string().min(1).default('device:/dev/tpmrm0').meta(atUnit('Which TPM, as tpm2-tools name it (TCTI).')),
});

export const evidence = z.strictObject({
  data: z
    .string()
    .min(1)
    .default('run')
    .meta(
      atUnit(
        'Folder for what the unit keeps: `evidence/`, the timeline of its lines, the report; one process at a time. Relative paths start at the configuration file.',
      ),
    ),
  authority: z
    .array(z.string().min(1))
    .default([])
    .meta(
      restart(
        'Age recipients (`age1...`) of the authority. Pictures are encrypted to them as they are taken, and nothing on the unit opens them. Without any, records are kept and pictures are not.',
      ),
    ),
  operators: z
    .array(z.string().min(1))
    .default([])
    .meta(restart('Age recipients who may open the copy in which bystanders are masked, and nothing else.')),
  signing: signing.prefault({}).describe('What signs records and checkpoints.'),
  witnesses: z
    .array(z.string().min(1))
    .default([])
    .meta(
      restart('Verifier keys (`name+hash+base64`) of the witnesses whose cosignatures are kept with the checkpoints.'),
    ),
  checkpointEntries: z.int().min(1).max(10_000).default(256).meta(restart('The log is signed after so many entries,')),
  checkpointMinutes: z
    .number()
    .min(0.1)
    .max(1440)
    .default(10)
    .meta(restart('or so many minutes after the first new one.', 'min')),
  retention: z
    .array(policy)
    .default([])
    .meta(
      restart('What is erased without a person, and when. A hold goes before it. Without policies nothing is erased.'),
    ),
  keepFreeMegabytes: z
    .number()
    .min(0)
    .max(1e7)
    .default(1024)
    .meta(restart('With less space free, policies with `whenFull` make room.', 'MB')),
  reserveMegabytes: z
    .number()
    .min(0)
    .max(1e6)
    .default(64)
    .meta(restart('With less space free, new evidence is refused: the rest is for journal and log.', 'MB')),
  ringMegabytes: z
    .number()
    .min(1)
    .max(4096)
    .default(64)
    .meta(
      restart(
        'Memory for the recent frames, from which evidence is taken. Of a camera that delivers JPEG it holds the JPEGs: 64 reaches back 30 s and `beforeS` up to 300 KB a picture, and less memory is taken where less will do. Of video it holds pixels: 64 is 46 frames of 1280x720, the last 0.7 s whole and 4 to 6 s before that at five or more a second; of 1920x1080 it is 20 frames, about a second. An infraction that is judged later than the ring reaches back is shown by the oldest frames that are left, and its record says so. The clips that are being sealed hold three quarters as much besides at most.',
        'MB',
      ),
    ),
  beforeS: z
    .number()
    .min(0)
    .max(30)
    .default(1)
    .meta(
      live('The still before the moment is taken this many seconds earlier, or as early as the ring reaches.', 's'),
    ),
  clipBeforeS: z
    .number()
    .min(0)
    .max(30)
    .default(3)
    .meta(live('The clip begins so many seconds before the moment, or as early as the ring reaches,', 's')),
  clipAfterS: z
    .number()
    .min(0)
    .max(30)
    .default(3)
    .meta(live('and ends so many seconds after it, or when the infraction is judged.', 's')),
});
