/**
 * Dates of HTTP header fields (RFC 9110 §5.6.7): all three forms are read, anything else is none.
 *
 * `Date.parse` takes far more than these ("5" is a day of 2001), and a header that is no date must
 * be ignored.
 */

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const CLOCK = String.raw`(?<h>[01]\d|2[0-3]):(?<m>[0-5]\d):(?<s>[0-5]\d|60)`
const FORMS = [
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${CLOCK} GMT`,
  `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-(?<month>[A-Z][a-z]{2})-(?<year>\\d\\d) ${CLOCK} GMT`,
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${CLOCK} (?<year>\\d{4})`
].map((form) => new RegExp(`^${form}$`))

/** Milliseconds since the epoch, whole seconds; undefined for what is no HTTP date. */
export function parseHttpDate(text: string): number | undefined {
  for (const form of FORMS) {
    const found = form.exec(text.trim())?.groups
    if (found !== undefined) return toTime(found)
  }
  return undefined
}

function toTime(found: Record<string, string>): number | undefined {
  const { day = '', month = '', year = '', h, m, s } = found
  const monthIndex = MONTHS.indexOf(month) / 3
  if (!Number.isInteger(monthIndex) || monthIndex < 0) return undefined
  const date = new Date(Date.UTC(fullYear(year), monthIndex, Number(day)))
  if (date.getUTCDate() !== Number(day)) return undefined
  return date.setUTCHours(Number(h), Number(m), Number(s))
}

/** Two digits: the HTTP of the last century wrote them. */
function fullYear(year: string): number {
  if (year.length === 4) return Number(year)
  return Number(year) + (Number(year) < 70 ? 2000 : 1900)
}
