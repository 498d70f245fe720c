import type { Identity } from "./access.js";
import type { User } from "./entries.js";
import type { Rights } from "./rights.js";
import { Sessions } from "./sessions.js";
import { decodeToken, encodeToken, newTokenId, type SimpleToken } from "./simple-token.js";
import type { TokenProvider } from "./tokens.js";

type SessionsArguments = ConstructorParameters<typeof Sessions>;

interface Verified extends SimpleToken {
  /** The key that it was verified with. */
  readonly key: Buffer;
}

/**
 * `--auth-token simple`. etcd keeps these in memory, so that they die with the process; here they are signed with
 * a key that all adapters of a backend share. They are dead once the user is gone or has another password
 * (`passwordRevision`), once access control was turned off (the key is another one then), and when they are idle.
 */
export class SimpleTokens implements TokenProvider {
  private readonly verified = new Map<string, Verified>();
  private readonly texts = new Map<string, string>();
  private readonly sessions: Sessions;

  constructor(
    registry: SessionsArguments[0],
    committer: SessionsArguments[1],
    private readonly options: SessionsArguments[2],
    logger: SessionsArguments[3],
  ) {
    this.sessions = new Sessions(registry, committer, options, logger, (id) => this.forget(id));
  }

  prepare(): undefined {
    return undefined;
  }

  identify(text: string, rights: Rights): Identity | undefined {
    const key = rights.state.tokenKey;
    const known = this.verified.get(text);
    const token = known?.key.equals(key) ? known : decodeToken(text, key);
    if (!token) return undefined;
    const user = rights.user(token.name)?.user;
    if (user?.passwordRevision !== token.passwordRevision) return undefined;
    if (!this.sessions.use(token.id, token.issuedAtMs)) return undefined;
    if (token !== known) this.remember(text, { ...token, key });
    // As in etcd it is good for whatever the rights are when it is used.
    return { name: token.name, revision: rights.state.revision };
  }

  async issue(user: User, rights: Rights): Promise<string> {
    const token: SimpleToken = {
      id: newTokenId(),
      name: user.name,
      passwordRevision: user.passwordRevision,
      issuedAtMs: this.options.now(),
    };
    const text = encodeToken(token, rights.state.tokenKey);
    this.remember(text, { ...token, key: rights.state.tokenKey });
    this.sessions.begin(token.id);
    return text;
  }

  close(): void {
    this.sessions.close();
  }

  private remember(text: string, token: Verified): void {
    this.verified.set(text, token);
    this.texts.set(token.id, text);
  }

  private forget(id: string): void {
    const text = this.texts.get(id);
    if (text === undefined) return;
    this.texts.delete(id);
    this.verified.delete(text);
  }
}
