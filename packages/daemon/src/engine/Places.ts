/** Opens what a SPEC names, by the registry. A SPEC was parsed against it, so its kind has a row there. */
import { sources, targets } from "../Registry.ts"
import type { Spec } from "../Spec.ts"

const row = <A>(rows: Readonly<Record<string, A>>, { kind }: Spec): A => {
  const found = rows[kind]
  if (found === undefined) throw new RangeError(`no adapter for ${kind}`)
  return found
}

export const openSource = (spec: Spec) => row(sources, spec).open(spec)
export const openTarget = (spec: Spec) => row(targets, spec).open(spec)
export const prepareTarget = (spec: Spec) => row(targets, spec).prepare(spec)
