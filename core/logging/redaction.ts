// The last look at a line before it leaves: no e-mail address, token, password, payment method or card number in it,
// whatever an error of a library quotes. What we log ourselves names none.

/** Nearly every line ends here. */
const SUSPECT = /@|%40|eyJ|pm_|password|secret|authorization|token|\d{14}|\d[ ._-]\d{4,6}[ ._-]\d/i;

/** With or without a domain of its own (`ann@localhost`). The lengths are RFC 5321's; without them a long line would cost its square. */
const EMAIL =
  /(?:\\?"[^"\\\n]{1,64}\\?"|[^\s"`<>@,;:=()[\]{}\\/|]{1,64})(?:@|%40)\p{L}[\p{L}\d-]{0,62}(?:\.[\p{L}\d-]{1,63}){0,8}/giu;
/** RFC 7519: a header in base64url begins so. */
const TOKEN = /(?<![A-Za-z0-9])eyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g;
const PAYMENT_METHOD = /(?<![A-Za-z0-9])pm_\w+/gi;
const IN_URL = /:\/\/([^\s:@/"]*):([^\s/"]+)@/g;
/** "password": "…", also in a text that is JSON within the line; password=…; Authorization: Bearer … */
const NAMED =
  /((?:password|secret|authorization|access_?token|refresh_?token)\w{0,64}\\?["']?\s{0,8}[:=]\s{0,8})(?:\\"(?:\\\\\\"|[^"\\]|\\(?!")[^])*\\"|"(?:\\[^]|[^"\\])*"|'[^']*'|(?:bearer\s+|basic\s+)?[^\s"',;}\\]+)/gi;

const DIGITS = /(?<![A-Za-z0-9])\d(?:[ ._-]?\d){13,}/g;
/** How the numbers of the card schemes begin, and how long they are (ISO/IEC 7812); each is tried, for one may begin as another does. */
const CARDS = [/4\d{18}/y, /(?:4\d|5[1-5]|2[2-7]|6\d|35)\d{14}/y, /3[47]\d{13}/y, /3(?:0[0-5]|[68]\d)\d{11}/y];

/** ISO/IEC 7812-1 (Luhn): not every long number is a card's. */
function isCard(digits: string): boolean {
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}

/** Other digits may stand beside a card's: an expiry date, a number of something else. */
function withoutCards(text: string): string {
  const digits = text.replaceAll(/\D/g, "");
  const isAt = (at: number, scheme: RegExp): boolean => {
    scheme.lastIndex = at;
    const found = scheme.exec(digits)?.[0];
    return found !== undefined && isCard(found);
  };
  for (let at = 0; at < digits.length; at += 1) if (CARDS.some(scheme => isAt(at, scheme))) return "[card]";
  return text;
}

export function redacted(line: string): string {
  if (!SUSPECT.test(line)) return line;
  return line
    .replaceAll(IN_URL, "://$1:[password]@")
    .replaceAll(TOKEN, "[token]")
    .replaceAll(NAMED, "$1[hidden]")
    .replaceAll(EMAIL, "[e-mail]")
    .replaceAll(PAYMENT_METHOD, "[payment method]")
    .replaceAll(DIGITS, withoutCards);
}
