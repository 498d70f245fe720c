/** The end that a call meets from outside, for the handlers that want to know. Most never ask. */
export class Ending {
  private controller: AbortController | undefined;
  private listener: ((reason: Error) => void) | undefined;
  private reason: Error | undefined;

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.reason !== undefined) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  onAbort(listener: (reason: Error) => void): void {
    this.listener = listener;
    if (this.reason !== undefined) listener(this.reason);
  }

  end(reason: Error): void {
    this.reason = reason;
    this.listener?.(reason);
    this.controller?.abort(reason);
  }
}
