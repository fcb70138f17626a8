/**
 * What `npm start` shows.
 */
console.log("sealog is built: run `npx sealog --help`")
