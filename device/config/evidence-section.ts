import { z } from 'zod';

const policy = z.strictObject({
  name: z.string().min(1).max(100).describe('Stands in the record of every erasure that it makes.'),
  rules: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Rules whose infractions it is about; without it, all. Of several policies the first that fits decides.'),
  keepDays: z
    .number()
    .min(1)
    .max(36_500)
    .optional()
    .describe('Evidence is erased so many days after it was sealed. Without it, age alone erases nothing.'),
  whenFull: z
    .boolean()
    .default(false)
    .describe('Whether evidence may go earlier, oldest first, when less than `keepFreeMegabytes` are free.'),
});

const signing = z.strictObject({
  keyFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The private key that signs records, made at the first start where it is missing: Ed25519, PEM. Without it, `signing-key.pem` in the data folder. Relative paths start at the configuration file.',
    ),
  tpmHandle: z
    .string()
    .regex(/^0x81[0-9a-f]{6}$/, 'a persistent handle such as 0x81010001')
    .optional()
    .describe('Persistent handle of a P-256 key in a TPM, which then signs instead of a file.'),
  tpm: z.string().min(1).default('device:/dev/tpmrm0').describe('Which TPM, as tpm2-tools name it (TCTI).'),
});

export const evidence = z.strictObject({
  data: z
    .string()
    .min(1)
    .default('run')
    .describe(
      'Folder for what the unit keeps: `evidence/`, the timeline of its lines, the report; one process at a time. Relative paths start at the configuration file.',
    ),
  authority: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Age recipients (`age1...`) of the authority. Pictures are encrypted to them as they are taken, and nothing on the unit opens them. Without any, records are kept and pictures are not.',
    ),
  operators: z
    .array(z.string().min(1))
    .default([])
    .describe('Age recipients who may open the copy in which bystanders are masked, and nothing else.'),
  signing: signing.prefault({}).describe('What signs records and checkpoints.'),
  witnesses: z
    .array(z.string().min(1))
    .default([])
    .describe('Verifier keys (`name+hash+base64`) of the witnesses whose cosignatures are kept with the checkpoints.'),
  checkpointEntries: z.int().min(1).max(10_000).default(256).describe('The log is signed after so many entries,'),
  checkpointMinutes: z.number().min(0.1).max(1440).default(10).describe('or so many minutes after the first new one.'),
  retention: z
    .array(policy)
    .default([])
    .describe('What is erased without a person, and when. A hold goes before it. Without policies nothing is erased.'),
  keepFreeMegabytes: z
    .number()
    .min(0)
    .max(1e7)
    .default(1024)
    .describe('With less space free, policies with `whenFull` make room.'),
  reserveMegabytes: z
    .number()
    .min(0)
    .max(1e6)
    .default(64)
    .describe('With less space free, new evidence is refused: the rest is for journal and log.'),
  ringMegabytes: z
    .number()
    .min(1)
    .max(4096)
    .default(64)
    .describe(
      'Memory for the recent frames, from which evidence is taken. Of a camera that delivers JPEG it holds the JPEGs: 64 reaches back 30 s and `beforeS` up to 300 KB a picture, and less memory is taken where less will do. Of video it holds pixels: 64 is 46 frames of 1280x720, the last 0.7 s whole and 4 to 6 s before that at five or more a second; of 1920x1080 it is 20 frames, about a second. An infraction that is judged later than the ring reaches back is shown by the oldest frames that are left, and its record says so. The clips that are being sealed hold three quarters as much besides at most.',
    ),
  beforeS: z
    .number()
    .min(0)
    .max(30)
    .default(1)
    .describe('The still before the moment is taken this many seconds earlier, or as early as the ring reaches.'),
  clipBeforeS: z
    .number()
    .min(0)
    .max(30)
    .default(3)
    .describe('The clip begins so many seconds before the moment, or as early as the ring reaches,'),
  clipAfterS: z
    .number()
    .min(0)
    .max(30)
    .default(3)
    .describe('and ends so many seconds after it, or when the infraction is judged.'),
});
