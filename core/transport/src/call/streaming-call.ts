/** A call with one or many requests, and a stream of responses. */

import type { StreamHandler } from "../service.js";
import type { RequestHead } from "../stream/request-head.js";
import { Call, type CallHost } from "./call.js";
import { Code, OK, StatusError } from "./status.js";

export class StreamingCall extends Call {
  constructor(
    host: CallHost,
    id: number,
    head: RequestHead,
    private readonly method: { readonly clientStreams: boolean; readonly handle: StreamHandler },
    sendWindow: number,
  ) {
    super(host, id, head, method.clientStreams ? "many" : "one", sendWindow);
  }

  protected begin(): void {
    let done: Promise<void>;
    try {
      done = this.method.handle(this);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.await(done, () => this.finish(OK));
  }

  protected requestsEnded(): void {
    const { queue, count } = this.incoming;
    if (count > 0 || this.method.clientStreams) {
      queue.end();
      return;
    }
    // as in Go: it is the handler that is told, if it looks
    const text = "cardinality violation: received no request message from non-client-streaming RPC";
    queue.fail(new StatusError(Code.internal, text));
  }
}
