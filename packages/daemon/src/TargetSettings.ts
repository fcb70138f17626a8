/**
 * What may be written down of how a target on a network is entered: who enters, in which way, and where the secret
 * comes from. The secret itself has no field here.
 */
import { Schema } from "effect"

export const TargetSettings = Schema.Struct({
  user: Schema.optionalWith(Schema.String, { exact: true }),
  /** Which way to show the password; where none is said, the way the server asks for. */
  auth: Schema.optionalWith(Schema.Literal("basic", "digest", "bearer"), { exact: true }),
  passwordFile: Schema.optionalWith(Schema.String, { exact: true }),
  passwordCommand: Schema.optionalWith(Schema.String, { exact: true }),
  /** Certificates to trust instead of the system's, PEM. */
  caFile: Schema.optionalWith(Schema.String, { exact: true })
})
export type TargetSettings = typeof TargetSettings.Type
