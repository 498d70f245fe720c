import { jwtVerify, SignJWT } from "jose";
import { Code, StatusError } from "../errors.js";
import type { Identity } from "./access.js";
import type { User } from "./entries.js";
import type { JwtOptions } from "./jwt-options.js";
import type { Rights } from "./rights.js";
import type { TokenProvider } from "./tokens.js";

const MAX_VERIFIED = 10_000;

interface Verified extends Identity {
  readonly expiresAtMs: number;
}

/** `--auth-token jwt`: a token is good for one auth revision, and any change of access control ends it. */
export class JwtTokens implements TokenProvider {
  /** Newest last. */
  private readonly verified = new Map<string, Verified>();

  constructor(
    private readonly options: JwtOptions,
    private readonly now: () => number,
  ) {}

  prepare(token: string): Promise<void> | undefined {
    return this.verified.has(token) ? undefined : this.verify(token);
  }

  identify(token: string): Identity | undefined {
    const found = this.verified.get(token);
    return found && this.now() < found.expiresAtMs ? found : undefined;
  }

  async issue(user: User, rights: Rights): Promise<string> {
    const { algorithm, signKey, ttlMs } = this.options;
    if (!signKey) throw new StatusError(Code.unknown, "auth: token signing attempted with verify-only key");
    return new SignJWT({ username: user.name, revision: Number(rights.state.revision) })
      .setProtectedHeader({ alg: algorithm, typ: "JWT" })
      .setExpirationTime(Math.floor((this.now() + ttlMs) / 1_000))
      .sign(signKey);
  }

  close(): void {
    this.verified.clear();
  }

  /** A token that is not in order is simply not known afterwards. */
  private async verify(token: string): Promise<void> {
    const { algorithm, verifyKey } = this.options;
    const currentDate = new Date(this.now());
    const result = await jwtVerify(token, verifyKey, { algorithms: [algorithm], currentDate }).catch(
      () => undefined,
    );
    const { username, revision, exp } = result?.payload ?? {};
    if (typeof username !== "string" || typeof revision !== "number" || revision < 0) return;
    const expiresAtMs = exp === undefined ? Number.POSITIVE_INFINITY : exp * 1_000;
    this.verified.set(token, { name: username, revision: BigInt(Math.floor(revision)), expiresAtMs });
    if (this.verified.size > MAX_VERIFIED) this.verified.delete(this.verified.keys().next().value!);
  }
}
