/**
 * Everything of sealog that touches the world, one adapter a file: the stores messages are read
 * from, the journal they wait in, the places segments are kept, and the forms they are restored to.
 */
export { version } from "@sealog/core"
