// Formats numbers, times and untrusted bytes for display. All times are UTC.

const whole = new Intl.NumberFormat("en-US");
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export const count = (number) => (number === null || number === undefined ? "–" : whole.format(number));

/** At most four digits: 812, 12.3K. */
export const short = (number) => (number === null || number === undefined ? "–" : compact.format(number));

export const rate = (perSecond) =>
  perSecond === null ? "–" : `${perSecond >= 100 ? whole.format(Math.round(perSecond)) : perSecond.toFixed(1)}/s`;

export const share = (part, all) => `${all ? ((100 * part) / all).toFixed(1) : "0.0"} %`;

/** A duration in one unit. */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

const iso = (when) => new Date(when).toISOString();
export const clock = (when) => iso(when).slice(11, 19);
export const minute = (when) => iso(when).slice(11, 16);
export const day = (when) => iso(when).slice(0, 10);
export const moment = (when) => `${day(when)} ${clock(when)}`;

/** Escapes invisible characters and those that change the text direction: \x1b, \u{202e}. */
export const printable = (text) =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes (base64) as text on one line; bytes that are not UTF-8 as \xff. */
export function bytes(base64) {
  const all = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  let text = "";
  for (let at = 0; at < all.length; ) {
    const lead = all[at];
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    try {
      text += printable(utf8.decode(all.subarray(at, at + length)));
      at += length;
    } catch {
      text += `\\x${lead.toString(16).padStart(2, "0")}`;
      at += 1;
    }
  }
  return text;
}
