import { invalidCharacter, isDigit } from "./json-characters.js";

/** Where in a JSON number a scanner stands. */
export const NumberState = {
  minus: 0,
  zero: 1,
  digits: 2,
  point: 3,
  fraction: 4,
  exponent: 5,
  exponentSign: 6,
  exponentDigits: 7,
} as const;

export type NumberState = (typeof NumberState)[keyof typeof NumberState];

const ZERO = 0x30;
const MINUS = 0x2d;

export function canStartNumber(byte: number): boolean {
  return byte === MINUS || isDigit(byte);
}

export function startOfNumber(byte: number): NumberState {
  return byte === MINUS ? NumberState.minus : afterMinus(byte);
}

/** The state behind one more byte; undefined if the number is complete before it. */
export function nextInNumber(state: NumberState, byte: number): NumberState | undefined {
  switch (state) {
    case NumberState.minus:
      if (!isDigit(byte)) {
        throw invalidCharacter(byte, "in numeric literal");
      }
      return afterMinus(byte);
    case NumberState.zero:
      return byte === 0x2e ? NumberState.point : afterMantissa(byte);
    case NumberState.digits:
      if (isDigit(byte)) {
        return state;
      }
      return byte === 0x2e ? NumberState.point : afterMantissa(byte);
    case NumberState.point:
      if (!isDigit(byte)) {
        throw invalidCharacter(byte, "after decimal point in numeric literal");
      }
      return NumberState.fraction;
    case NumberState.fraction:
      return isDigit(byte) ? state : afterMantissa(byte);
    case NumberState.exponent:
      return byte === 0x2b || byte === MINUS ? NumberState.exponentSign : exponentDigit(byte);
    case NumberState.exponentSign:
      return exponentDigit(byte);
    case NumberState.exponentDigits:
      return isDigit(byte) ? state : undefined;
  }
}

/** Whether a number may end in this state. */
export function isComplete(state: NumberState): boolean {
  return (
    state === NumberState.zero ||
    state === NumberState.digits ||
    state === NumberState.fraction ||
    state === NumberState.exponentDigits
  );
}

function afterMinus(digit: number): NumberState {
  return digit === ZERO ? NumberState.zero : NumberState.digits;
}

function afterMantissa(byte: number): NumberState | undefined {
  return byte === 0x65 || byte === 0x45 ? NumberState.exponent : undefined;
}

function exponentDigit(byte: number): NumberState {
  if (!isDigit(byte)) {
    throw invalidCharacter(byte, "in exponent of numeric literal");
  }
  return NumberState.exponentDigits;
}
