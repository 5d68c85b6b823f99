import { z } from 'zod';
import { atUnit, restart } from './apply.ts';

export const plates = z
  .strictObject({
    read: z
      .boolean()
      .default(true)
      .meta(
        restart(
          'Whether plates are read. They are read only where the scene names its formats (`plates.formats`); otherwise every plate is `unread`, and the unit says so when it starts.',
        ),
      ),
    finder: z
      .string()
      .min(1)
      .default('plate-finder-ppocr-v4-int8')
      .meta(restart('The model bundle that finds text: a name under `.build/models`, or the path of a folder.')),
    readers: z
      .array(z.string().min(1))
      .min(1)
      .max(4)
      .default(['plate-reader-atalaya-float', 'plate-reader-ppocr-v4-int8'])
      .meta(
        restart(
          'The model bundles that read it, each a name under `.build/models` or the path of a folder. Every text is read by all of them: what they read alike is surer. The stated confidence was fitted for the default pair.',
        ),
      ),
    threads: z.int().min(1).max(64).default(1).meta(restart('Processor threads that the reader may use.')),
    leastConfidence: z
      .number()
      .min(0.5)
      .max(0.999)
      .default(0.65)
      .meta(
        restart(
          'A plate is stated only where the probability that the whole text is right is no smaller; else it is `unread`. The probability was fitted on drawn plates, which are harder than photographs.',
        ),
      ),
    deadlineS: z
      .number()
      .min(1)
      .max(120)
      .default(10)
      .meta(
        restart(
          'Seconds after which a reader that does not answer for a crop counts as failed and is opened again.',
          's',
        ),
      ),
    waitS: z
      .number()
      .min(0)
      .max(60)
      .default(3)
      .meta(
        restart(
          'Seconds that the sealing of an infraction waits for its plate at most. A plate that is not read by then is `unread`, and the record says so.',
          's',
        ),
      ),
    patienceS: z
      .number()
      .min(0)
      .max(30)
      .default(3)
      .meta(
        restart(
          'Seconds, by the frames, for which an unread plate of an accused vehicle waits for better frames while the vehicle comes nearer.',
          's',
        ),
      ),
    queueMegabytes: z
      .number()
      .min(1)
      .max(1024)
      .default(24)
      .meta(
        restart(
          'Memory for the crops that wait to be read. Beyond it the oldest and smallest are dropped, and counted.',
          'MB',
        ),
      ),
    lists: z
      .array(z.string().min(1))
      .max(32)
      .default([])
      .meta(
        restart(
          'Signed watch lists, made by `atalaya-unit watch-list sign`. A match raises an alert. Relative paths start at the configuration file.',
        ),
      ),
    listKey: z
      .string()
      .min(1)
      .optional()
      .meta(
        atUnit(
          'The public key (PEM, Ed25519) of whoever signs the watch lists; required where there are `lists`. Relative paths start at the configuration file.',
        ),
      ),
  })
  .refine(({ lists, listKey }) => lists.length === 0 || listKey !== undefined, {
    path: ['listKey'],
    params: { refusal: 'lists-without-key' },
    message: 'is missing: watch lists are believed only by the public key that signs them',
  });
