const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;
const MONTH = `(?<month>${MONTHS.join("|")})`;
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";

/** RFC 9110 5.6.7: the format of today, and two that a recipient MUST accept all the same. */
const FORMATS = [
  String.raw`${DAY}, (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT`,
  String.raw`${LONG_DAY}, (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT`,
  String.raw`${DAY} ${MONTH} (?<day>\d\d| \d) ${TIME} (?<year>\d{4})`,
].map((format) => new RegExp(`^${format}$`));

/**
 * Reads a date of HTTP (RFC 9110 5.6.7), as milliseconds since 1970. Gives undefined if it is none.
 *
 * @param now For years of two digits: those more than 50 years ahead are past.
 */
export function parseHttpDate(text: string, now: number = Date.now()): number | undefined {
  if (text.length > 40) return undefined;
  for (const format of FORMATS) {
    const found = format.exec(text)?.groups;
    if (found === undefined) continue;
    const { day, month, hour, minute, second } = found as Record<string, string>;
    let year = Number(found.year);
    if (found.year!.length === 2) {
      const thisYear = new Date(now).getUTCFullYear();
      year += thisYear - thisYear % 100;
      if (year > thisYear + 50) year -= 100;
    }
    const at = MONTHS.indexOf(month!);
    const date = new Date(0);
    date.setUTCFullYear(year, at, Number(day));
    if (date.getUTCMonth() !== at) return undefined; // there is no such day
    // A second of 60 is a leap second.
    if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
    return date.setUTCHours(Number(hour), Number(minute), Number(second));
  }
  return undefined;
}

/** A time as HTTP has it: in whole seconds. */
export function seconds(time: Date | number): number {
  return Math.floor(Number(time) / 1000);
}
