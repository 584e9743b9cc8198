// The last look at a line before it leaves: no e-mail address, token, password, payment method or card number in it,
// whatever an error of a library quotes. What we log ourselves names none.

/** Nearly every line ends here. */
const SUSPECT = /@|eyJ|pm_|password|secret|authorization|\d{15}|\d[ -]\d{4}[ -]\d/i;

const EMAIL = /[^\s"`<>@,;:=()[\]{}\\/|]+@(?:[\p{L}\d-]+\.)+\p{L}{2,}/gu;
/** RFC 7519: a header in base64url begins so. */
const TOKEN = /\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g;
const PAYMENT_METHOD = /\bpm_\w+/g;
const IN_URL = /:\/\/([^\s:@/"]*):([^\s@/"]+)@/g;
/** "password": "…", also in a text that is JSON within the line; password=…; Authorization: Bearer … */
const NAMED =
  /(\b\w*(?:password|secret|authorization)\w*\\?["']?\s*[:=]\s*)(?:\\"(?:\\\\\\"|[^"\\]|\\(?!")[^])*\\"|"(?:\\[^]|[^"\\])*"|'[^']*'|(?:bearer\s+|basic\s+)?[^\s"',;}\\]+)/gi;
const CARD = /\b\d(?:[ -]?\d){14,18}\b/g;

/** ISO/IEC 7812-1 (Luhn): not every long number is a card's. */
function isCard(text: string): boolean {
  const digits = text.replaceAll(/\D/g, "");
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}

export function redacted(line: string): string {
  if (!SUSPECT.test(line)) return line;
  return line
    .replaceAll(IN_URL, "://$1:[password]@")
    .replaceAll(TOKEN, "[token]")
    .replaceAll(NAMED, "$1[hidden]")
    .replaceAll(EMAIL, "[e-mail]")
    .replaceAll(PAYMENT_METHOD, "[payment method]")
    .replaceAll(CARD, text => (isCard(text) ? "[card]" : text));
}
