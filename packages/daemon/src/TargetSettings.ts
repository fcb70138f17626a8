/**
 * What may be written down of how a target is entered and used: who enters, in which way, and where the secret comes
 * from (the secret itself has no field here), and what stands in front of the place (`TargetWrapping`).
 */
import { Schema } from "effect"
import { wrappingFields } from "./TargetWrapping.ts"

export const TargetSettings = Schema.Struct({
  user: Schema.optionalWith(Schema.String, { exact: true }),
  /** Which way to show the password; where none is said, the way the server asks for. */
  auth: Schema.optionalWith(Schema.Literal("basic", "digest", "bearer"), { exact: true }),
  passwordFile: Schema.optionalWith(Schema.String, { exact: true }),
  passwordCommand: Schema.optionalWith(Schema.String, { exact: true }),
  /** Certificates to trust instead of the system's, PEM. */
  caFile: Schema.optionalWith(Schema.String, { exact: true }),
  ...wrappingFields
})
export type TargetSettings = typeof TargetSettings.Type
