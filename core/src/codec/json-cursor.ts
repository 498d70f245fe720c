/**
 * A position in JSON text, and the tokens behind it. What it throws on malformed text only says so: the syntax
 * scanner words those errors.
 */
import { Code, StatusError } from "../errors.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /[-+.\w]+/y;
/** Anything below the space. */
const CONTROL = /[^ -\uffff]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Longest piece of a request that an error repeats. */
const MAX_QUOTED = 1_024;

export class JsonCursor {
  position = 0;
  skipped = false;
  private start = 0;

  constructor(private readonly text: string) {}

  /** Makes this the origin of the lines and columns in errors. */
  markStart(): void {
    this.start = this.position;
  }

  skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) {
        return;
      }
      this.position += 1;
    }
  }

  /** The next character that is not white space; undefined at the end. */
  peek(): string | undefined {
    this.skipSpace();
    return this.text[this.position];
  }

  accept(char: string): boolean {
    if (this.peek() !== char) {
      return false;
    }
    this.position += 1;
    return true;
  }

  expect(char: string): void {
    if (!this.accept(char)) {
      throw malformed();
    }
  }

  acceptNull(): boolean {
    return this.peek() === "n" && this.literal("null");
  }

  literal(word: string): boolean {
    if (!this.text.startsWith(word, this.position)) {
      return false;
    }
    this.position += word.length;
    return true;
  }

  /** The text of a number, where one must be. */
  number(): string {
    NUMBER.lastIndex = this.position;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) {
      throw malformed();
    }
    this.position += literal.length;
    return literal;
  }

  /**
   * The value of a string, where one must be. `checked` refuses control characters; what cannot hold them in
   * any case, such as base64, need not be looked through.
   */
  string(checked = true): string {
    if (this.text.charCodeAt(this.position) !== QUOTE) {
      throw malformed();
    }
    const start = this.position;
    const end = this.endOfString(start);
    const plain = this.text.slice(start + 1, end);
    this.position = end + 1;
    if (!plain.includes("\\")) {
      if (checked && CONTROL.test(plain)) {
        throw malformed();
      }
      return plain;
    }
    const value = parseString(this.text.slice(start, end + 1));
    if (LONE_SURROGATE.test(value)) {
      throw this.error(start, "invalid escape code in string");
    }
    return value;
  }

  /** Where the quote is that closes the string that begins at `start`. */
  private endOfString(start: number): number {
    let end = start;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end === -1) {
        throw malformed();
      }
    } while (this.isEscaped(end));
    return end;
  }

  private isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.text.charCodeAt(at - 1 - backslashes) === BACKSLASH) {
      backslashes += 1;
    }
    return backslashes % 2 === 1;
  }

  /** Passes over a value of any kind, without looking closely: `skipped` tells that its syntax is unchecked. */
  skipValue(): void {
    this.skipped = true;
    let depth = 0;
    do {
      const char = this.peek();
      if (char === '"') {
        this.string();
        continue;
      }
      WORD.lastIndex = this.position;
      const word = WORD.exec(this.text)?.[0];
      if (word === undefined) {
        depth += char === "{" || char === "[" ? 1 : 0;
        depth -= char === "}" || char === "]" ? 1 : 0;
        if (char === undefined || depth < 0) {
          throw malformed();
        }
      }
      this.position += word?.length ?? 1;
    } while (depth > 0);
  }

  /** The token at a position as it stands in the text, for error texts. */
  tokenAt(position: number): string {
    WORD.lastIndex = position;
    const token =
      this.text[position] === '"'
        ? this.text.slice(position, this.endOfString(position) + 1)
        : (WORD.exec(this.text)?.[0] ?? this.text.slice(position, position + 1));
    return token.length > MAX_QUOTED ? `${token.slice(0, MAX_QUOTED)}…` : token;
  }

  unexpectedToken(): StatusError {
    this.skipSpace();
    return this.error(this.position, `unexpected token ${this.tokenAt(this.position)}`, "syntax error ");
  }

  /** An error about the text at `position`, worded as protojson does. */
  error(position: number, text: string, kind = ""): StatusError {
    const lines = this.text.slice(this.start, position).split("\n");
    const column = [...(lines.at(-1) as string)].length + 1;
    return new StatusError(Code.invalidArgument, `proto: ${kind}(line ${lines.length}:${column}): ${text}`);
  }
}

function parseString(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw malformed();
  }
}

function malformed(): StatusError {
  return new StatusError(Code.invalidArgument, "malformed JSON");
}
