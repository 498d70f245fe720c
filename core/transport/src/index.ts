export type { Metadata, MetadataInit } from "./call/metadata.js";
export { Code, type Status, StatusError } from "./call/status.js";
export { DEFAULT_OPTIONS, type Options } from "./options.js";
export { GrpcServer } from "./server.js";
export type {
  CallContext,
  Message,
  Method,
  OtherHandler,
  OtherRequest,
  Peer,
  Services,
  StreamCall,
  StreamHandler,
  UnaryHandler,
} from "./service.js";
