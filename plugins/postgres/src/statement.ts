/** A statement under a name, so that a connection parses and plans it once. */
export interface Statement {
  readonly name: string;
  /** With $1, $2, … */
  readonly text: string;
  /** The names of its parameters, in that order. */
  readonly parameters: readonly string[];
}

/** `text` has `:name` for each parameter, which PostgreSQL itself only numbers. */
export function statement(name: string, text: string): Statement {
  const parameters: string[] = [];
  const numbered = text.replace(/(?<!:):([a-z]\w*)/gi, (_, parameter: string) => {
    if (!parameters.includes(parameter)) parameters.push(parameter);
    return `$${parameters.indexOf(parameter) + 1}`;
  });
  return { name, text: numbered, parameters };
}

/** The statements of all shapes, each made when it is first asked for. */
export function byShape<Shape>(
  name: (shape: Shape) => string,
  text: (shape: Shape) => string,
): (shape: Shape) => Statement {
  const made = new Map<string, Statement>();
  return (shape) => {
    const key = name(shape);
    let found = made.get(key);
    if (!found) {
      found = statement(key, text(shape));
      made.set(key, found);
    }
    return found;
  };
}
