import { Deployment, type IDeployment } from "kubernetes-models/apps/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Service } from "kubernetes-models/v1";
import { parseAllDocuments } from "yaml";

const MODELS = { Deployment, PodDisruptionBudget, Service } as const;

export type Manifest = { readonly kind: string } & Record<string, unknown>;
export type { IDeployment };
export type PodSpec = NonNullable<NonNullable<IDeployment["spec"]>["template"]["spec"]>;
export type Container = PodSpec["containers"][number];

export function manifestsOf(yaml: string): Manifest[] {
  return parseAllDocuments(yaml).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

/** Throws unless the manifest fits Kubernetes' schema. */
export function validate(manifest: Manifest): void {
  const model = MODELS[manifest.kind as keyof typeof MODELS];
  if (model === undefined) throw new Error(`no schema is chosen for ${manifest.kind}`);
  const { value, unread } = readRecorded(manifest);
  // not by a model of the manifest, which would be a copy
  model.prototype.validate.call(value as InstanceType<typeof model>);
  const unknown = unread();
  if (unknown.length > 0) throw new Error(`${manifest.kind} has no field ${unknown.join(", ")}`);
}

/**
 * The manifest in proxies that record what is read of it. The schemas take unknown fields, which Kubernetes refuses:
 * a validator reads every field that it knows, so what it never read is one of these.
 */
function readRecorded(manifest: object) {
  const visited: { readonly path: string; readonly target: object; readonly read: Set<string> }[] = [];
  const wrap = (target: object, path: string): object => {
    const read = new Set<string>();
    visited.push({ path, target, read });
    const inner = new Map<string, object>();
    return new Proxy(target, {
      get(object, key, receiver) {
        const value: unknown = Reflect.get(object, key, receiver);
        if (typeof key !== "string") return value;
        read.add(key);
        if (typeof value !== "object" || value === null) return value;
        if (!inner.has(key)) inner.set(key, wrap(value, `${path}${key}.`));
        return inner.get(key);
      },
    });
  };
  const unread = (): string[] =>
    visited.flatMap(({ path, target, read }) =>
      Object.keys(target).flatMap((key) => (read.has(key) ? [] : [`${path}${key}`])),
    );
  return { value: wrap(manifest, ""), unread };
}
