/** A call with one request and one response. */

import type { Message, UnaryHandler } from "../service.js";
import type { RequestHead } from "../stream/request-head.js";
import { Call, type CallHost } from "./call.js";
import { Code, OK } from "./status.js";

export class UnaryCall extends Call {
  constructor(
    host: CallHost,
    id: number,
    head: RequestHead,
    private readonly handle: UnaryHandler,
    sendWindow: number,
  ) {
    super(host, id, head, "unary", sendWindow);
  }

  protected begin(): void {}

  protected requestsEnded(): void {
    const request = this.incoming.take();
    if (request === undefined) {
      this.finish({ code: Code.unknown, message: "EOF" });
      return;
    }
    let response: Message | Promise<Message>;
    try {
      response = this.handle(request, this);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (response instanceof Promise) this.await(response, (message) => this.succeed(message));
    else this.succeed(response);
  }

  private succeed(response: Message): void {
    if (this.isAnswered) return;
    if (this.isHalfClosed && this.response.whole(response)) {
      this.settle();
      this.responseSent();
    } else {
      this.send(response);
      this.finish(OK);
    }
  }
}
