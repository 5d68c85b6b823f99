const simple = '[A-Za-z0-9][A-Za-z0-9.-]*\\+?(?: WITH [A-Za-z0-9][A-Za-z0-9.-]*)?';
const term = new RegExp(`^${simple}$`);

/** Not licences, though they stand where one does: nobody may use it, and "read it elsewhere". */
const never = /^(unlicensed|none|noassertion|see licen[cs]e\b.*)$/i;

/**
 * Whether it has the form of a licence expression (SPDX 2.3, annex D): names joined by `AND` and `OR`, with exceptions and brackets. Whether the names
 * stand in SPDX's list is not asked.
 */
export function isLicenceExpression(text: string): boolean {
  if (never.test(text)) return false;
  let rest = text.trim();
  // The innermost brackets first: each is one name to what stands around it.
  for (let inner = /\(([^()]*)\)/.exec(rest); inner !== null; inner = /\(([^()]*)\)/.exec(rest)) {
    if (!isJoined(inner[1] ?? '')) return false;
    rest = `${rest.slice(0, inner.index)}MIT${rest.slice(inner.index + inner[0].length)}`;
  }
  return isJoined(rest);
}

const isJoined = (text: string): boolean => text.split(/ (?:AND|OR) /).every((one) => term.test(one.trim()));
