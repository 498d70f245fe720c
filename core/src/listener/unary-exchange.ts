import type { Peer } from "../api/service.js";
import type { PlainResponse } from "./plain.js";
import type { BodyLimits } from "./request-body.js";

/** A request to the gateway and its one answer: what a unary call needs of HTTP. */
export interface UnaryExchange {
  /** The request's, by lower-case name. */
  readonly headers: Readonly<NodeJS.Dict<string | string[]>>;
  readonly peer: Peer;
  /** Whether the answer is complete, on this side. */
  readonly done: boolean;
  /** Called once, after the answer or when the client goes away before it. */
  onOver(listener: () => void): void;
  /** All of the request's body. `refuse` makes the error when there is more than is allowed. */
  body(limits: BodyLimits, refuse: (bytes: number) => Error): Buffer | Promise<Buffer>;
  /** The first answer counts. */
  send(answer: PlainResponse): void;
}
