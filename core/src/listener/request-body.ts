import type { IncomingMessage } from "node:http";
import { Code, StatusError } from "../errors.js";

const EMPTY = Buffer.alloc(0);

/** A request whose body does not come, or not in time: there is nobody to answer in etcd's words. */
export class BodyError extends Error {
  override readonly name = "BodyError";
}

export interface BodyLimits {
  /** Bytes of a body; more cannot hold a message that would be accepted. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** The error for a message, or the JSON of one, that is larger than a server takes. */
export function tooLarge(bytes: number, maxReceiveBytes: number): StatusError {
  return new StatusError(
    Code.resourceExhausted,
    `grpc: received message larger than max (${bytes} vs. ${maxReceiveBytes})`,
  );
}

/** Reads a body to its end, but never more than is allowed. */
export function readBody(request: IncomingMessage, limits: BodyLimits, refuse: (bytes: number) => Error) {
  return new Promise<Buffer>((resolve, reject) => {
    const declared = Number(request.headers["content-length"] ?? 0);
    if (declared > limits.maxBytes) {
      reject(refuse(declared));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (error: Error) => {
      done();
      request.pause();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new BodyError("the request's body did not come in time")),
      limits.timeoutMs,
    );
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > limits.maxBytes) {
        fail(refuse(size));
      }
    };
    const onEnd = () => {
      done();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : size === 0 ? EMPTY : Buffer.concat(chunks, size));
    };
    const onClose = () => fail(new BodyError("the client went away"));
    const done = () => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
    };
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}
