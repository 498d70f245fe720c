/** Something the user has to change; `message` is a sentence that says where and what. Ends the program with code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
