import { z } from 'zod';
import { dailyWindow } from '../../ota/contract/job.ts';
import { atUnit, live } from './apply.ts';

const { from, to } = dailyWindow.shape;
const window = z.strictObject({
  from: from.meta(live('When it begins, UTC, as `01:00`.')),
  to: to.meta(live('When it ends; one that ends before it begins goes over midnight.')),
});

/** How a unit takes updates. What it takes is decided by signed metadata alone. */
export const updates = z
  .strictObject({
    imageRoot: z
      .string()
      .min(1)
      .optional()
      .meta(
        atUnit(
          'The root metadata of the image repository: whose programs and models this unit takes. Enrolment brings it. Without it the unit takes no update. Relative paths start at the configuration file.',
        ),
      ),
    directorRoot: z
      .string()
      .min(1)
      .optional()
      .meta(
        atUnit(
          'The root metadata of the director: who says which of them this unit takes, and when. Relative paths start at the configuration file.',
        ),
      ),
    clock: z
      .enum(['disciplined', 'believed'])
      .default('disciplined')
      .meta(
        atUnit(
          'Whether metadata may be held against a clock that no time source disciplines. At a road never: who can turn the clock back could show the unit what has long expired. `believed` is for a desk.',
        ),
      ),
    windows: z
      .array(window)
      .max(10)
      .default([])
      .meta(
        live(
          'Times of the day, UTC, in which updates are downloaded and switched to, each as `{ from: "01:00", to: "04:30" }`; at any time, where there is none. The windows of the update itself count besides.',
        ),
      ),
    kilobytesPerSecond: z
      .number()
      .min(1)
      .max(1e6)
      .optional()
      .meta(live('Most that a download takes of the link; without it as much as there is.')),
    megabytesPerDay: z
      .number()
      .min(1)
      .max(1e6)
      .optional()
      .meta(
        live(
          'For metered links: most that downloads and their metadata take in a day (UTC). A stick is not counted.',
          'MB',
        ),
      ),
  })
  .refine(({ imageRoot, directorRoot }) => (imageRoot === undefined) === (directorRoot === undefined), {
    path: ['imageRoot'],
    message: 'and updates.directorRoot go together: one alone vouches for nothing',
  });
