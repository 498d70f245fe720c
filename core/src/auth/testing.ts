/** What the tests of this folder share: adapters with access control on one backend, called without a transport. */
import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { DEFAULT_API_LIMITS, type GuardedApi } from "../api/api.js";
import { authService } from "../api/auth.js";
import { Headers } from "../api/header.js";
import { kvService } from "../api/kv.js";
import { leaseService } from "../api/lease.js";
import type { CallContext, Service } from "../api/service.js";
import type { Store } from "../mvcc/store.js";
import { openStore } from "../mvcc/testing.js";
import { ProcessLogBackend } from "../storage/log/index.js";
import { Auth, type AuthOptions, DEFAULT_AUTH_OPTIONS } from "./auth.js";

/** bcrypt's cheapest, since most tests are not about it. */
const CHEAP: AuthOptions = { ...DEFAULT_AUTH_OPTIONS, bcryptCost: 4 };

export interface CallerOptions {
  readonly token?: string;
  readonly authorization?: string;
  readonly certificateName?: string;
  readonly transport?: CallContext["transport"];
}

function contextOf({ certificateName, transport = "grpc", ...metadata }: CallerOptions = {}): CallContext {
  return {
    metadata: (name) => metadata[name as keyof typeof metadata],
    signal: new AbortController().signal,
    peer: { address: "127.0.0.1:1", ...(certificateName !== undefined && { certificateName }) },
    transport,
  };
}

export class TestAdapter {
  private constructor(
    readonly api: GuardedApi,
    private readonly services: readonly Service[],
  ) {}

  static async open(
    backend = new ProcessLogBackend(),
    options: Partial<AuthOptions> = {},
  ): Promise<TestAdapter> {
    return TestAdapter.over(await openStore(backend), options);
  }

  static over(store: Store, options: Partial<AuthOptions> = {}): TestAdapter {
    const auth = new Auth(store, { ...CHEAP, ...options }, pino({ level: "silent" }));
    const headers = new Headers({ clusterId: 1n, memberId: 2n });
    const api: GuardedApi = { store, auth, headers, limits: DEFAULT_API_LIMITS };
    return new TestAdapter(api, [authService(api), kvService(api), leaseService(api)]);
  }

  async close(): Promise<void> {
    await this.api.auth.close();
    await this.api.store.close();
  }

  /** Calls a unary method by its name, with a request's fields; gives the response's message where there is one. */
  async call(
    method: string,
    request: Record<string, unknown>,
    caller: CallerOptions = {},
  ): Promise<Record<string, unknown>> {
    for (const { methods } of this.services) {
      const found = methods.find((one) => one.method.localName === method);
      if (found?.kind !== "unary") continue;
      const message = create(found.method.input, request);
      return (await found.handle(message, contextOf(caller))) as unknown as Record<string, unknown>;
    }
    throw new Error(`there is no method ${method}`);
  }

  async token(name: string, password: string): Promise<string> {
    return String((await this.call("authenticate", { name, password })).token);
  }

  /** Root with the password "root", and `users` (passwords as the names) that each hold a role of their name. */
  async enable(
    users: Record<string, readonly [type: number, key: string, rangeEnd?: string][]>,
  ): Promise<void> {
    await this.call("userAdd", { name: "root", password: "root" });
    await this.call("userGrantRole", { user: "root", role: "root" });
    for (const [name, permissions] of Object.entries(users)) {
      await this.call("userAdd", { name, password: name });
      await this.call("roleAdd", { name });
      await this.call("userGrantRole", { user: name, role: name });
      for (const [permType, key, rangeEnd = ""] of permissions) {
        const perm = { permType, key: Buffer.from(key), rangeEnd: Buffer.from(rangeEnd) };
        await this.call("roleGrantPermission", { name, perm });
      }
    }
    await this.call("authEnable", {});
  }
}

/** The error's text without its prefix; "ok" when there is none. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    return (error as Error).message.replace("etcdserver: ", "");
  }
}

export const READ = 0;
export const WRITE = 1;
export const READWRITE = 2;
