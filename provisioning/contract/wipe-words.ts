/** How a unit is wiped, for a sentence that tells somebody to do it. */
export const wipeWords =
  'at the unit, as its user: atalaya-provision unit wipe; one from our image has no login: switch it off and flash its card anew';
