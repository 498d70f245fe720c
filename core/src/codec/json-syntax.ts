/**
 * A scanner of JSON syntax that can stop and go on anywhere, for streams of values, and that words its errors
 * as Go's encoding/json does, which is what etcd's clients get to see.
 */
import { Code, StatusError } from "../errors.js";
import { invalidCharacter, isSpace } from "./json-characters.js";
import {
  canStartNumber,
  isComplete,
  NumberState,
  nextInNumber,
  startOfNumber,
} from "./json-number-syntax.js";

const State = {
  value: 0,
  /** After `[`: a value or the end. */
  firstElement: 1,
  /** After `{`: a key or the end. */
  firstKey: 2,
  key: 3,
  colon: 4,
  afterElement: 5,
  afterMember: 6,
  string: 7,
  escape: 8,
  unicode: 9,
  literal: 10,
  number: 11,
  done: 12,
} as const;

type State = (typeof State)[keyof typeof State];

const MAX_DEPTH = 10_000;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const ESCAPES = '"\\/bfnrtu';
const LITERALS: Readonly<Record<string, string>> = { t: "true", f: "false", n: "null" };

export class SyntaxScanner {
  /** Whether the value has begun: anything but white space was seen. */
  started = false;
  private state: State = State.value;
  private readonly open: number[] = [];
  private stringIsKey = false;
  private hexDigits = 0;
  private literal = "";
  private literalAt = 0;
  private number: NumberState = NumberState.minus;

  /** The offset behind the value's last byte, or -1 when the value goes on behind the bytes. */
  scan(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (this.state === State.string && byte !== QUOTE && byte !== BACKSLASH && byte >= 0x20) {
        continue;
      }
      if (this.step(byte)) {
        return at; // a number ends before the first byte that is none of it
      }
      if (this.state === State.done) {
        return at + 1;
      }
    }
    return -1;
  }

  /** Tells that no bytes follow. Throws if the value is not complete without them. */
  finish(): void {
    if (this.open.length > 0 || this.state !== State.number || !isComplete(this.number)) {
      throw new StatusError(Code.invalidArgument, "unexpected EOF");
    }
  }

  /** True if the value ended before `byte`. */
  private step(byte: number): boolean {
    switch (this.state) {
      case State.number:
        return this.inNumber(byte);
      case State.string:
        this.inString(byte);
        return false;
      case State.escape:
        this.inEscape(byte);
        return false;
      case State.unicode:
        this.inUnicode(byte);
        return false;
      case State.literal:
        this.inLiteral(byte);
        return false;
      default:
        if (!isSpace(byte)) {
          this.betweenTokens(byte);
        }
        return false;
    }
  }

  private betweenTokens(byte: number): void {
    const { state } = this;
    if (
      (byte === CLOSE_OBJECT && (state === State.firstKey || state === State.afterMember)) ||
      (byte === CLOSE_ARRAY && (state === State.firstElement || state === State.afterElement))
    ) {
      this.open.pop();
      this.ended();
    } else if (state === State.value || state === State.firstElement) {
      this.startValue(byte);
    } else if (state === State.firstKey || state === State.key) {
      this.take(byte, QUOTE, State.string, "looking for beginning of object key string");
      this.stringIsKey = true;
    } else if (state === State.colon) {
      this.take(byte, COLON, State.value, "after object key");
    } else if (state === State.afterElement) {
      this.take(byte, COMMA, State.value, "after array element");
    } else {
      this.take(byte, COMMA, State.key, "after object key:value pair");
    }
  }

  private take(byte: number, expected: number, next: State, where: string): void {
    if (byte !== expected) {
      throw invalidCharacter(byte, where);
    }
    this.state = next;
  }

  private startValue(byte: number): void {
    this.started = true;
    const literal = LITERALS[String.fromCharCode(byte)];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (this.open.push(byte) > MAX_DEPTH) {
        throw new StatusError(Code.invalidArgument, "exceeded max depth");
      }
      this.state = byte === OPEN_OBJECT ? State.firstKey : State.firstElement;
    } else if (byte === QUOTE) {
      this.stringIsKey = false;
      this.state = State.string;
    } else if (canStartNumber(byte)) {
      this.number = startOfNumber(byte);
      this.state = State.number;
    } else if (literal !== undefined) {
      this.literal = literal;
      this.literalAt = 1;
      this.state = State.literal;
    } else {
      throw invalidCharacter(byte, "looking for beginning of value");
    }
  }

  private inString(byte: number): void {
    if (byte === BACKSLASH) {
      this.state = State.escape;
    } else if (byte !== QUOTE) {
      throw invalidCharacter(byte, "in string literal");
    } else if (this.stringIsKey) {
      this.state = State.colon;
    } else {
      this.ended();
    }
  }

  private inEscape(byte: number): void {
    const char = String.fromCharCode(byte);
    if (!ESCAPES.includes(char)) {
      throw invalidCharacter(byte, "in string escape code");
    }
    this.hexDigits = 0;
    this.state = char === "u" ? State.unicode : State.string;
  }

  private inUnicode(byte: number): void {
    if (!/[0-9a-fA-F]/.test(String.fromCharCode(byte))) {
      throw invalidCharacter(byte, "in \\u hexadecimal character escape");
    }
    this.hexDigits += 1;
    this.state = this.hexDigits === 4 ? State.string : State.unicode;
  }

  private inLiteral(byte: number): void {
    const expected = this.literal[this.literalAt] as string;
    if (byte !== expected.charCodeAt(0)) {
      throw invalidCharacter(byte, `in literal ${this.literal} (expecting '${expected}')`);
    }
    this.literalAt += 1;
    if (this.literalAt === this.literal.length) {
      this.ended();
    }
  }

  private inNumber(byte: number): boolean {
    const next = nextInNumber(this.number, byte);
    if (next !== undefined) {
      this.number = next;
      return false;
    }
    this.ended();
    return this.open.length === 0 || this.step(byte);
  }

  /** A value ended, inside of another or the whole. */
  private ended(): void {
    const parent = this.open.at(-1);
    if (parent === undefined) {
      this.state = State.done;
    } else {
      this.state = parent === OPEN_OBJECT ? State.afterMember : State.afterElement;
    }
  }
}
