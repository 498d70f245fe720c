import type { DescMethod, MessageShape } from "@bufbuild/protobuf";
import type { Response, StreamCall } from "../api/service.js";
import { transcode, writeJson } from "../codec/index.js";
import { Code, type Status, StatusError } from "../errors.js";
import { errorAnswer } from "./answers.js";
import { SERVER_STOPPED } from "./call.js";
import type { Exchange } from "./exchange.js";
import type { GatewayContext } from "./gateway-context.js";
import type { RequestReader } from "./request-reader.js";

type Message = Parameters<StreamCall["send"]>[0];
export type Request = StreamCall["requests"] extends AsyncIterable<infer R> ? R : never;

/**
 * How long a call may go on that was given no request: long enough for a handler that is then done, and over
 * before a client thinks that it is being served.
 */
const NO_REQUEST_GRACE_MS = 50;

const PREFIX = '{"result":';
const SUFFIX = "}\n";
/** The lines of finished responses, which many calls share. */
const lines = new WeakMap<Buffer, Buffer>();

/** A stream over the gateway: JSON values in, a line of JSON for each response out. */
export class GatewayStream implements StreamCall {
  private over = false;
  private readonly drainListeners: (() => void)[] = [];

  constructor(
    private readonly exchange: Exchange,
    readonly context: GatewayContext,
    private readonly method: DescMethod,
    readonly requests: RequestReader<Request>,
  ) {
    context.end.onEnd((reason) => this.ended(reason));
    exchange.response.on("drain", () => {
      for (const listener of this.drainListeners) {
        listener();
      }
    });
  }

  send(response: Message): boolean {
    if (this.over || this.exchange.response.destroyed) {
      return false;
    }
    if (!this.exchange.answered) {
      this.exchange.startStream();
    }
    return this.exchange.response.write(this.lineOf(response));
  }

  onDrain(listener: () => void): void {
    this.drainListeners.push(listener);
  }

  /** Ends the answer, with an error or well. */
  finish(failure?: Status): void {
    if (!this.over) {
      this.over = true;
      this.exchange.endStream(failure);
    }
  }

  /** There will be no request. A handler that waits all the same would keep its client waiting for ever. */
  hasNoRequest(reason: StatusError): void {
    setTimeout(() => {
      if (!this.over && !this.exchange.answered) {
        this.over = true;
        this.exchange.send(errorAnswer(reason));
        this.context.end.end(reason);
      }
    }, NO_REQUEST_GRACE_MS);
  }

  private ended(reason: Error): void {
    this.requests.fail(reason);
    if (reason instanceof StatusError && reason.code === Code.deadlineExceeded) {
      this.finish(reason); // now, whatever the handler waits for
    } else if (reason !== SERVER_STOPPED) {
      this.over = true; // nobody is there any more
    }
  }

  private lineOf(response: Message): Buffer | string {
    const { output } = this.method;
    if (!Buffer.isBuffer(response)) {
      return `${PREFIX}${writeJson(output, response as MessageShape<typeof output>)}${SUFFIX}`;
    }
    let line = lines.get(response);
    if (line === undefined) {
      line = transcode(output, response as Response<typeof output> & Buffer, PREFIX, SUFFIX);
      lines.set(response, line);
    }
    return line;
  }
}
