/**
 * The tables of WhatsApp's stores on macOS and iOS, as far as they are publicly known: which columns there are and of
 * what type. Core Data makes them, so every table has the same three columns first, names begin with `Z`, and a table
 * of its own says which numbers rows get.
 */

export interface Table {
  /** What Core Data calls the entity; its number is one of many, and differs from store to store. */
  readonly entity: string
  readonly integers?: string
  readonly floats?: string
  /** Seconds since 2001, with fractions. */
  readonly times?: string
  readonly texts?: string
  readonly blobs?: string
}

const chatStorage = {
  ZWACHATSESSION: {
    entity: "WAChatSession",
    integers: "ARCHIVED CONTACTABID FLAGS HIDDEN IDENTITYVERIFICATIONEPOCH IDENTITYVERIFICATIONSTATE MESSAGECOUNTER "
      + "REMOVED SESSIONTYPE SPOTLIGHTSTATUS UNREADCOUNT GROUPINFO LASTMESSAGE PROPERTIES",
    times: "LASTMESSAGEDATE LOCATIONSHARINGENDDATE",
    texts: "CONTACTIDENTIFIER CONTACTJID ETAG LASTMESSAGETEXT PARTNERNAME SAVEDINPUT"
  },
  ZWAGROUPINFO: {
    entity: "WAGroupInfo",
    integers: "STATE CHATSESSION LASTMESSAGEOWNER",
    times: "CREATIONDATE SUBJECTTIMESTAMP",
    texts: "CREATORJID OWNERJID PICTUREID PICTUREPATH SOURCEJID SUBJECTOWNERJID"
  },
  ZWAGROUPMEMBER: {
    entity: "WAGroupMember",
    integers: "CONTACTABID ISACTIVE ISADMIN SENDERKEYSENT CHATSESSION RECENTGROUPCHAT",
    texts: "CONTACTIDENTIFIER CONTACTNAME FIRSTNAME MEMBERJID"
  },
  ZWAMEDIAITEM: {
    entity: "WAMediaItem",
    integers: "CLOUDSTATUS FILESIZE MEDIAORIGIN MOVIEDURATION MESSAGE",
    floats: "ASPECTRATIO HACCURACY LATITUDE LONGITUDE",
    times: "MEDIAURLDATE",
    texts: "AUTHORNAME COLLECTIONNAME MEDIALOCALPATH MEDIAURL THUMBNAILLOCALPATH TITLE VCARDNAME VCARDSTRING "
      + "XMPPTHUMBPATH",
    blobs: "MEDIAKEY METADATA"
  },
  ZWAMESSAGE: {
    entity: "WAMessage",
    integers: "CHILDMESSAGESDELIVEREDCOUNT CHILDMESSAGESPLAYEDCOUNT CHILDMESSAGESREADCOUNT DATAITEMVERSION DOCID "
      + "ENCRETRYCOUNT FILTEREDRECIPIENTCOUNT FLAGS GROUPEVENTTYPE ISFROMME MESSAGEERRORSTATUS MESSAGESTATUS "
      + "MESSAGETYPE SORT SPOTLIGHTSTATUS STARRED CHATSESSION GROUPMEMBER LASTSESSION MEDIAITEM MESSAGEINFO "
      + "PARENTMESSAGE",
    times: "MESSAGEDATE SENTDATE",
    texts: "FROMJID MEDIASECTIONID PHASH PUSHNAME STANZAID TEXT TOJID"
  },
  ZWAMESSAGEINFO: { entity: "WAMessageInfo", integers: "MESSAGE", blobs: "RECEIPTINFO" },
  ZWAPROFILEPUSHNAME: { entity: "WAProfilePushName", texts: "JID PUSHNAME" }
} as const satisfies Record<string, Table>

const contacts = {
  ZWAADDRESSBOOKCONTACT: {
    entity: "WAAddressBookContact",
    texts: "ABOUTTEXT BUSINESSNAME FULLNAME GIVENNAME LASTNAME LID PHONENUMBER WHATSAPPID"
  }
} as const satisfies Record<string, Table>

const lids = {
  ZWAZACCOUNT: {
    entity: "WAZAccount",
    integers: "CURRENTPHONENUMBERSHARINGSTATE",
    times: "CREATEDAT",
    texts: "DISPLAYNAME IDENTIFIER PHONENUMBER"
  }
} as const satisfies Record<string, Table>

/** The stores, by the names of their files. */
export const stores = {
  "ChatStorage.sqlite": chatStorage,
  "ContactsV2.sqlite": contacts,
  "LID.sqlite": lids
} as const satisfies Record<string, Record<string, Table>>

/** Of the indexes those that are known by their names. */
const INDEXES = [
  "CREATE INDEX ZWAMESSAGE_ZCHATSESSION_INDEX ON ZWAMESSAGE (ZCHATSESSION)",
  "CREATE INDEX Z_WAMessage_compoundIndex ON ZWAMESSAGE (ZCHATSESSION, ZSORT)"
]

/** What makes an empty store. */
export const statementsOf = (store: keyof typeof stores): ReadonlyArray<string> => {
  const tables: Record<string, Table> = stores[store]
  return [
    "CREATE TABLE Z_PRIMARYKEY (Z_ENT INTEGER PRIMARY KEY, Z_NAME VARCHAR, Z_SUPER INTEGER, Z_MAX INTEGER)",
    "CREATE TABLE Z_METADATA (Z_VERSION INTEGER PRIMARY KEY, Z_UUID VARCHAR(255), Z_PLIST BLOB)",
    ...Object.entries(tables).flatMap(([name, table], position) => [
      `CREATE TABLE ${name} (${columnsOf(table).join(", ")})`,
      `INSERT INTO Z_PRIMARYKEY VALUES (${position + 1}, '${table.entity}', 0, 0)`
    ]),
    ...(store === "ChatStorage.sqlite" ? INDEXES : [])
  ]
}

const columnsOf = (table: Table): ReadonlyArray<string> => [
  "Z_PK INTEGER PRIMARY KEY",
  "Z_ENT INTEGER",
  "Z_OPT INTEGER",
  ...ofType(table.integers, "INTEGER"),
  ...ofType(table.floats, "FLOAT"),
  ...ofType(table.times, "TIMESTAMP"),
  ...ofType(table.texts, "VARCHAR"),
  ...ofType(table.blobs, "BLOB")
]

const ofType = (names: string | undefined, type: string): ReadonlyArray<string> =>
  names === undefined ? [] : names.split(" ").map((name) => `Z${name} ${type}`)
