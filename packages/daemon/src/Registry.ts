/**
 * Every adapter by the kind a SPEC names it with: the one record that the command line, the configuration and the
 * contract tests read. Code is loaded when a kind is opened, not when it is named.
 */

export type Role = "source" | "target"

/** `now`: it is here. `later`: its name is fixed, its adapter comes with a later release. */
export type Availability = "now" | "later"

export const sourceKinds: Readonly<Record<string, Availability>> = {
  maildir: "now",
  jsonl: "now",
  whatsapp: "later",
  "whatsapp-android": "later",
  "whatsapp-export": "later",
  imessage: "later",
  signal: "later",
  telegram: "later",
  mbox: "later",
  emlx: "later",
  sms: "later"
}

export const targetKinds: Readonly<Record<string, Availability>> = {
  disk: "now",
  folder: "later",
  icloud: "later",
  webdav: "later",
  s3: "later",
  sftp: "later",
  rclone: "later",
  package: "later"
}

/** What a restore can be written as. */
export const formats: Readonly<Record<string, Availability>> = {
  jsonl: "now",
  maildir: "now",
  html: "later",
  sqlite: "later",
  mbox: "later",
  text: "later"
}
