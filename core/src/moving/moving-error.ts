/** Why data could not be moved; `message` is a sentence for the person who asked. Ends the program with code 2. */
export class MovingError extends Error {
  override readonly name = "MovingError";
}
