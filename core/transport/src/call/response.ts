/** What a call answers, in gRPC's order: headers, messages, a status. */

import type { Field } from "../hpack/field.js";
import type { Message } from "../service.js";
import type { OutgoingStream } from "../stream/outgoing-stream.js";
import type { RequestHead } from "../stream/request-head.js";
import type { Sender } from "../stream/sender.js";
import { accepts, compress, GZIP } from "./compression.js";
import { fieldsOf, type MetadataInit } from "./metadata.js";
import { headerFields, trailerFields, trailersOnlyFields } from "./response-fields.js";
import type { Status } from "./status.js";

export class Response {
  private headersSent = false;
  private readonly sendsGzip: boolean;
  private trailers: readonly Field[] | undefined;

  constructor(
    private readonly sender: Sender,
    private readonly outgoing: OutgoingStream,
    private readonly head: RequestHead,
    compresses: boolean,
  ) {
    // as Go's server: what came compressed is answered compressed
    this.sendsGzip = head.encoding === GZIP || (compresses && accepts(head.acceptEncoding, GZIP));
  }

  headers(metadata: MetadataInit): void {
    const fields = fieldsOf(metadata);
    if (this.headersSent) throw new TypeError("headers are sent already");
    this.begin(fields);
  }

  setTrailers(metadata: MetadataInit): void {
    this.trailers = fieldsOf(metadata);
  }

  message(message: Message): void {
    if (!this.headersSent) this.begin();
    const { sender, outgoing } = this;
    if (this.sendsGzip && message.length > 0) {
      sender.message(outgoing, 1, compress(Buffer.isBuffer(message) ? message : Buffer.concat(message)));
    } else if (Buffer.isBuffer(message)) {
      sender.message(outgoing, 0, message);
    } else {
      sender.pieces(outgoing, message);
    }
  }

  /** Sends a plain answer from its headers to status OK at once; false if that can't be. */
  whole(message: Message): boolean {
    const isPlain =
      !this.headersSent && !this.sendsGzip && this.trailers === undefined && this.head.subtype === "";
    return isPlain && Buffer.isBuffer(message) && this.sender.answer(this.outgoing, message);
  }

  /** Status OK has headers before it, with or without messages. */
  beginOk(): void {
    if (!this.headersSent) this.begin();
  }

  /** True if that was all; else the stream's owner is told when what waits before it is sent. */
  status(status: Status): boolean {
    if (this.headersSent) {
      this.sender.trailers(this.outgoing, trailerFields(status, this.trailers));
      return false;
    }
    this.sender.headers(this.outgoing.id, trailersOnlyFields(this.head, status, this.trailers), true);
    return true;
  }

  private begin(metadata?: readonly Field[]): void {
    this.headersSent = true;
    this.sender.headers(this.outgoing.id, headerFields(this.head, this.sendsGzip, metadata), false);
  }
}
