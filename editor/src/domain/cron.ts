/**
 * A cron expression in words. When it fires next is the server's answer, never ours.
 *
 *     cronInWords("0 2 * * *")  →  "every day at 02:00"
 */
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const DAY_NAMES: Record<string, number> = { sun: 0, mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6 };
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const MONTH_NAMES = Object.fromEntries(
  MONTHS.map((name, index) => [name.slice(0, 3).toLowerCase(), index + 1]),
);

interface Part {
  any: boolean;
  step: number | undefined;
  values: number[];
}

const RANGES: [number, number, Record<string, number>][] = [
  [0, 59, {}],
  [0, 23, {}],
  [1, 31, {}],
  [1, 12, MONTH_NAMES],
  [0, 7, DAY_NAMES],
];

/** Undefined when this is no cron expression of five fields. */
export function cronInWords(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const parts = fields.map((field, index) => part(field, ...RANGES[index]!));
  if (parts.includes(undefined)) return undefined;
  const [minute, hour, day, month, weekday] = parts as [Part, Part, Part, Part, Part];
  return [time(minute, hour), dayWords(day, weekday, time(minute, hour).startsWith("at")), monthWords(month)]
    .filter(Boolean)
    .join(" ")
    .replace(/^at (.*?) (every .*|on .*)$/, "$2 at $1");
}

function part(field: string, least: number, most: number, names: Record<string, number>): Part | undefined {
  const values = new Set<number>();
  let step: number | undefined;
  for (const piece of field.split(",")) {
    const match = /^(\*|[a-z\d]+)(?:-([a-z\d]+))?(?:\/(\d+))?$/i.exec(piece);
    if (!match) return undefined;
    const number = (text: string): number =>
      names[text.toLowerCase()] ?? (/^\d+$/.test(text) ? Number(text) : NaN);
    const every = match[3] === undefined ? 1 : Number(match[3]);
    const from = match[1] === "*" ? least : number(match[1]!);
    const to =
      match[1] === "*" || (match[2] === undefined && match[3] !== undefined)
        ? most
        : match[2]
          ? number(match[2])
          : from;
    if (!(from >= least && to <= most && from <= to && every >= 1)) return undefined;
    if (match[1] === "*" && match[3] !== undefined) step = every;
    for (let value = from; value <= to; value += every) values.add(value);
  }
  return {
    any: field === "*",
    step: field.includes(",") ? undefined : step,
    values: [...values].sort((a, b) => a - b),
  };
}

function time(minute: Part, hour: Part): string {
  if (minute.any && hour.any) return "every minute";
  if (minute.step && hour.any) return `every ${minute.step} minutes`;
  if (minute.any)
    return `every minute ${hour.step ? `of every ${hour.step} hours` : `from ${hour.values.map((h) => clock(h, 0)).join(", ")}`}`;
  if (hour.any)
    return minute.values.length === 1 && minute.values[0] === 0
      ? "every hour"
      : `every hour at minute ${list(minute.values.map(String))}`;
  if (hour.step && minute.values.length === 1) {
    const past = minute.values[0]!;
    return `every ${hour.step} hours${past ? ` at minute ${past}` : ""}`;
  }
  if (minute.step) return `every ${minute.step} minutes during ${list(hour.values.map((h) => clock(h, 0)))}`;
  return `at ${list(hour.values.flatMap((h) => minute.values.map((m) => clock(h, m))))}`;
}

function dayWords(day: Part, weekday: Part, needed: boolean): string {
  const days = [...new Set(weekday.values.map((value) => value % 7))];
  const week =
    days.join() === "1,2,3,4,5" ? "every weekday" : `every ${list(days.map((value) => DAYS[value]!))}`;
  const month = day.step ? `every ${day.step} days` : `on day ${list(day.values.map(String))} of the month`;
  if (day.any && weekday.any) return needed ? "every day" : "";
  if (day.any) return days.join() === "0,1,2,3,4,5,6" ? "every day" : week;
  // Cron's own rule: when both are given, either will do.
  return weekday.any ? month : `${month} or ${week}`;
}

function monthWords(month: Part): string {
  if (month.any) return "";
  return `in ${list(month.values.map((value) => MONTHS[value - 1]!))}`;
}

function clock(hour: number, minute: number): string {
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

function list(words: string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
