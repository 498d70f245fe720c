/**
 * Every error that a client can meet, with etcd's gRPC code and its text to the letter: clients match on
 * the whole string. Source: etcd 3.6, api/v3rpc/rpctypes/error.go, checked on a running server.
 */

export const Code = {
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type Code = (typeof Code)[keyof typeof Code];

const CATALOGUE = {
  emptyKey: [Code.invalidArgument, "etcdserver: key is not provided"],
  keyNotFound: [Code.invalidArgument, "etcdserver: key not found"],
  valueProvided: [Code.invalidArgument, "etcdserver: value is provided"],
  leaseProvided: [Code.invalidArgument, "etcdserver: lease is provided"],
  tooManyOps: [Code.invalidArgument, "etcdserver: too many operations in txn request"],
  duplicateKey: [Code.invalidArgument, "etcdserver: duplicate key given in txn request"],
  invalidSortOption: [Code.invalidArgument, "etcdserver: invalid sort option"],
  invalidClientApiVersion: [Code.invalidArgument, "etcdserver: invalid client api version"],
  requestTooLarge: [Code.invalidArgument, "etcdserver: request is too large"],
  compacted: [Code.outOfRange, "etcdserver: mvcc: required revision has been compacted"],
  futureRevision: [Code.outOfRange, "etcdserver: mvcc: required revision is a future revision"],
  noSpace: [Code.resourceExhausted, "etcdserver: mvcc: database space exceeded"],

  leaseNotFound: [Code.notFound, "etcdserver: requested lease not found"],
  leaseExists: [Code.failedPrecondition, "etcdserver: lease already exists"],
  leaseTtlTooLarge: [Code.outOfRange, "etcdserver: too large lease TTL"],

  watchCanceled: [Code.canceled, "etcdserver: watch canceled"],

  memberExists: [Code.failedPrecondition, "etcdserver: member ID already exist"],
  peerUrlExists: [Code.failedPrecondition, "etcdserver: Peer URLs already exists"],
  memberNotEnoughStarted: [
    Code.unknown,
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  memberBadUrls: [Code.invalidArgument, "etcdserver: given member URLs are invalid"],
  memberNotFound: [Code.notFound, "etcdserver: member not found"],
  memberNotLearner: [Code.failedPrecondition, "etcdserver: can only promote a learner member"],
  learnerNotReady: [
    Code.failedPrecondition,
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  tooManyLearners: [Code.failedPrecondition, "etcdserver: too many learner members in cluster"],
  clusterIdMismatch: [Code.failedPrecondition, "etcdserver: cluster ID mismatch"],

  rootUserNotExist: [Code.failedPrecondition, "etcdserver: root user does not exist"],
  rootRoleNotExist: [Code.failedPrecondition, "etcdserver: root user does not have root role"],
  userAlreadyExist: [Code.failedPrecondition, "etcdserver: user name already exists"],
  userEmpty: [Code.invalidArgument, "etcdserver: user name is empty"],
  userNotFound: [Code.failedPrecondition, "etcdserver: user name not found"],
  roleAlreadyExist: [Code.failedPrecondition, "etcdserver: role name already exists"],
  roleNotFound: [Code.failedPrecondition, "etcdserver: role name not found"],
  roleEmpty: [Code.invalidArgument, "etcdserver: role name is empty"],
  authFailed: [Code.invalidArgument, "etcdserver: authentication failed, invalid user ID or password"],
  permissionNotGiven: [Code.invalidArgument, "etcdserver: permission not given"],
  permissionDenied: [Code.permissionDenied, "etcdserver: permission denied"],
  roleNotGranted: [Code.failedPrecondition, "etcdserver: role is not granted to the user"],
  permissionNotGranted: [Code.failedPrecondition, "etcdserver: permission is not granted to the role"],
  authNotEnabled: [Code.failedPrecondition, "etcdserver: authentication is not enabled"],
  invalidAuthToken: [Code.unauthenticated, "etcdserver: invalid auth token"],
  invalidAuthManagement: [Code.invalidArgument, "etcdserver: invalid auth management"],
  authOldRevision: [Code.invalidArgument, "etcdserver: revision of auth store is old"],
  noPasswordUser: [Code.unknown, "auth: authentication failed, password was given for no password user"],
  passwordTooLong: [Code.unknown, "bcrypt: password length exceeds 72 bytes"],

  noLeader: [Code.unavailable, "etcdserver: no leader"],
  notLeader: [Code.failedPrecondition, "etcdserver: not leader"],
  leaderChanged: [Code.unavailable, "etcdserver: leader changed"],
  notCapable: [Code.failedPrecondition, "etcdserver: not capable"],
  stopped: [Code.unavailable, "etcdserver: server stopped"],
  timeout: [Code.unavailable, "etcdserver: request timed out"],
  timeoutConnectionLost: [Code.unavailable, "etcdserver: request timed out, possibly due to connection lost"],
  unhealthy: [Code.unavailable, "etcdserver: unhealthy cluster"],
  corrupt: [Code.dataLoss, "etcdserver: corrupt cluster"],
  badLeaderTransferee: [Code.failedPrecondition, "etcdserver: bad leader transferee"],
  tooManyRequests: [Code.unknown, "etcdserver: too many requests"],
  unknownMethod: [Code.unknown, "etcdserver: unknown method"],

  wrongDowngradeVersion: [Code.invalidArgument, "etcdserver: wrong downgrade target version format"],
  invalidDowngradeVersion: [Code.invalidArgument, "etcdserver: invalid downgrade target version"],
  downgradeInProgress: [Code.failedPrecondition, "etcdserver: cluster has a downgrade job in progress"],
  noInflightDowngrade: [Code.failedPrecondition, "etcdserver: no inflight downgrade job"],

  missingLeaderKey: [Code.unknown, '"leader" field must be provided'],
  electionNoLeader: [Code.unknown, "election: no leader"],
  sessionExpired: [Code.unknown, "mutex: session is expired"],
} as const satisfies Record<string, readonly [Code, string]>;

export type ErrorName = keyof typeof CATALOGUE;

/** An error whose code and text reach the client; its `cause` reaches only the log. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  readonly code: Code;

  constructor(
    readonly id: ErrorName,
    options?: { cause?: unknown },
  ) {
    super(CATALOGUE[id][1], options);
    this.code = CATALOGUE[id][0];
  }
}

export interface Status {
  readonly code: Code;
  readonly message: string;
}

/** A status outside etcd's catalogue, such as those that gRPC itself makes. */
export class StatusError extends Error {
  override readonly name = "StatusError";

  constructor(
    readonly code: Code,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What the client is told of `error`; undefined when it is none of its business and must be logged. */
export function statusOf(error: unknown): Status | undefined {
  if (error instanceof EtcdError || error instanceof StatusError) {
    return { code: error.code, message: error.message };
  }
  return undefined;
}
