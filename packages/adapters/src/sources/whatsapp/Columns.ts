/**
 * Which columns of a store are read, and how. A store is known by the columns it has: one that is missing is as if it
 * were empty, one that nobody here has heard of is kept as it is with each message that has something in it.
 */
import type { Queries } from "../database/RowReader.ts"

/** What of a message's row and of its item is understood, by the type it is read as. */
const understood = {
  ZWAMESSAGE: {
    integers: [
      "ZCHATSESSION",
      "ZISFROMME",
      "ZMESSAGETYPE",
      "ZGROUPEVENTTYPE",
      "ZSTARRED",
      "ZGROUPMEMBER",
      "ZMEDIAITEM",
      "ZPARENTMESSAGE"
    ],
    reals: ["ZMESSAGEDATE", "ZSENTDATE"],
    others: ["ZSTANZAID", "ZTEXT", "ZFROMJID", "ZPUSHNAME"]
  },
  ZWAMEDIAITEM: {
    integers: ["ZFILESIZE", "ZMOVIEDURATION"],
    reals: ["ZLATITUDE", "ZLONGITUDE", "ZHACCURACY"],
    others: ["ZTITLE", "ZAUTHORNAME", "ZVCARDNAME", "ZVCARDSTRING", "ZMEDIALOCALPATH", "ZMETADATA"]
  }
} as const

/**
 * What says nothing about a message or only churns: Core Data's own numbers, how far a message or a file has got, sort
 * and search caches, previews, and how to fetch a file again. Part of no event, and looked at by nobody.
 */
const left = {
  ZWAMESSAGE:
    "Z_PK Z_ENT Z_OPT ZCHILDMESSAGESDELIVEREDCOUNT ZCHILDMESSAGESPLAYEDCOUNT ZCHILDMESSAGESREADCOUNT ZDATAITEMVERSION "
    + "ZDOCID ZENCRETRYCOUNT ZFILTEREDRECIPIENTCOUNT ZFLAGS ZMESSAGEERRORSTATUS ZMESSAGESTATUS ZSORT ZSPOTLIGHTSTATUS "
    + "ZLASTSESSION ZMESSAGEINFO ZMEDIASECTIONID ZPHASH ZTOJID",
  ZWAMEDIAITEM:
    "Z_PK Z_ENT Z_OPT ZCLOUDSTATUS ZMEDIAORIGIN ZMESSAGE ZASPECTRATIO ZMEDIAURLDATE ZCOLLECTIONNAME ZMEDIAURL "
    + "ZTHUMBNAILLOCALPATH ZXMPPTHUMBPATH ZMEDIAKEY"
} as const

type Table = keyof typeof understood

export type Understood =
  | (typeof understood)["ZWAMESSAGE"]["integers" | "reals" | "others"][number]
  | (typeof understood)["ZWAMEDIAITEM"]["integers" | "reals" | "others"][number]

/** One column of a query: what it is called in the store, and what gives it. */
export interface Column {
  readonly name: string
  readonly expression: string
  /** The same for integers of any size, which takes longer. */
  readonly exact: string
  readonly isUnderstood: boolean
}

/** The columns of a table under an alias: those that are understood and there, and those that are not known at all. */
export const columnsOf = (queries: Queries, table: Table, alias: string): ReadonlyArray<Column> => {
  const there = queries.columns(table)
  const { integers, others, reals } = understood[table]
  const of = (name: string) => `${alias}.${name}`
  const known = [
    ...integers.map((name) => ({ name, expression: of(name), exact: exactly(of(name)) })),
    ...reals.map((name) => ({ name, expression: `CAST(${of(name)} AS REAL)`, exact: `CAST(${of(name)} AS REAL)` })),
    ...others.map((name) => ({ name, expression: wholly(of(name)), exact: exactly(of(name), wholly(of(name))) }))
  ].filter(({ name }) => there.has(name))
  const names = new Set<string>([...known.map(({ name }) => name), ...left[table].split(" ")])
  const strange = [...there].filter((name) => !names.has(name) && /^\w+$/.test(name))
  return [
    ...known.map((column) => ({ ...column, isUnderstood: true })),
    ...strange.map((name) => ({
      name,
      expression: wholly(of(name)),
      exact: exactly(of(name), wholly(of(name))),
      isUnderstood: false
    }))
  ]
}

/** An integer that no number holds comes as its digits. */
const exactly = (column: string, otherwise = column): string =>
  `iif(typeof(${column}) = 'integer' AND ${column} NOT BETWEEN -9007199254740991 AND 9007199254740991, `
  + `CAST(${column} AS TEXT), ${otherwise})`

/** A text with a zero in it, which would end there, comes as its bytes. */
const wholly = (column: string): string =>
  `iif(typeof(${column}) = 'text' AND instr(${column}, char(0)), CAST(${column} AS BLOB), ${column})`
