const NUMBER = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;
/** Longest run of digits that is exact as a double. */
const SAFE_DIGITS = 15;
/** Digits of the largest uint64; longer literals are out of every range. */
const MAX_DIGITS = 20;

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UINT64 = { min: 0n, max: 2n ** 64n - 1n };

/** The integer that a JSON number literal denotes (`1.0` and `1e3` do, `1.5` does not), else undefined. */
export function parseInt64(literal: string, signed: boolean): bigint | undefined {
  const value = integerOf(literal);
  if (value === undefined || typeof value === "number") {
    return value === undefined || (value < 0 && !signed) ? undefined : BigInt(value);
  }
  const { min, max } = signed ? INT64 : UINT64;
  return value >= min && value <= max ? value : undefined;
}

export function parseInt32(literal: string, signed: boolean): number | undefined {
  const value = Number(integerOf(literal) ?? Number.NaN);
  return (signed ? value === (value | 0) : value === value >>> 0) ? value + 0 : undefined;
}

/** A number where that is exact for sure, a bigint otherwise. */
function integerOf(literal: string): number | bigint | undefined {
  const parts = NUMBER.exec(literal);
  if (parts === null) {
    return undefined;
  }
  const [, sign, whole = "", fraction, exponent] = parts;
  if (fraction === undefined && exponent === undefined) {
    return whole.length <= SAFE_DIGITS ? Number(literal) + 0 : BigInt(literal);
  }
  const digits = shift(
    whole === "0" ? "" : whole,
    (fraction ?? "").replace(/0+$/, ""),
    Number(exponent ?? 0),
  );
  return digits === undefined ? undefined : BigInt(`${digits || "0"}`) * (sign === "" ? 1n : -1n);
}

/** The digits of `whole.fraction` times ten to the `exponent`, if that has no fraction left. */
function shift(whole: string, fraction: string, exponent: number): string | undefined {
  if (whole === "" && fraction === "") {
    return "0";
  }
  if (exponent >= 0) {
    return fraction.length > exponent || whole.length + exponent > MAX_DIGITS
      ? undefined
      : whole + fraction.padEnd(exponent, "0");
  }
  const kept = whole.length + exponent;
  return fraction !== "" || kept < 0 || /[1-9]/.test(whole.slice(kept)) ? undefined : whole.slice(0, kept);
}
