import { SyntaxScanner } from "./json-syntax.js";

/**
 * Cuts a byte stream of JSON values that follow one another (`{…}{…}` or one a line) into the values, as the
 * bytes come.
 */
export class JsonValues {
  private scanner = new SyntaxScanner();
  private parts: Buffer[] = [];
  private size = 0;

  /** `maxBytes` bounds one value; `tooLarge` makes the error when it is exceeded. */
  constructor(
    private readonly maxBytes: number,
    private readonly tooLarge: (bytes: number) => Error,
  ) {}

  /** The values that end in `chunk`. Throws on a syntax error, after which the rest cannot be read. */
  *push(chunk: Buffer): Generator<Buffer, void> {
    let from = 0;
    while (from < chunk.length) {
      const end = this.scanner.scan(chunk, from);
      const part = chunk.subarray(from, end === -1 ? chunk.length : end);
      if (this.size > 0 || this.scanner.started) {
        this.keep(part);
      }
      if (end === -1) {
        return;
      }
      from = end;
      yield this.take();
    }
  }

  /** The value that only the stream's end completes (a bare number), if any. Throws when one is cut short. */
  end(): Buffer | undefined {
    if (!this.scanner.started) {
      return undefined;
    }
    this.scanner.finish();
    return this.take();
  }

  private keep(part: Buffer): void {
    this.size += part.length;
    if (this.size > this.maxBytes) {
      throw this.tooLarge(this.size);
    }
    this.parts.push(part);
  }

  private take(): Buffer {
    const value = this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts);
    this.parts = [];
    this.size = 0;
    this.scanner = new SyntaxScanner();
    return value;
  }
}
