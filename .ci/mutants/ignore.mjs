/**
 * Texts that only people read are not mutated: names of spans, and what the errors say beside their reason. What each
 * error tells a user is held by snapshots in `packages/daemon/test/snapshots`; its reason is mutated like all else, and
 * so is every label of a key.
 */

/** Functions that make or throw an error, whose first argument is its reason and whose second is a text. */
const failing = new Set(["fail", "failure", "fault", "mismatch", "outside", "refuse", "gap"])
/** What an error tells beside its reason. */
const told = new Set(["detail", "method", "subject", "what"])

const shouldIgnore = (path) => {
  if (path.isObjectExpression() && path.parent.id?.name === "explain") return "the text of an error"
  if (path.isClassMethod({ kind: "get" }) && path.node.key.name === "message") return "the text of an error"
  if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined
  const { node, parent } = path
  if (isCallOf(parent, "Effect", "fn") && parent.arguments[0] === node) return "the name of a span"
  if (path.parentPath.isNewExpression() && parent.callee.name === "RangeError") return "the text of an error"
  if (path.parentPath.isCallExpression() && parent.arguments[1] === node && failing.has(nameOf(parent.callee))) {
    return "the text of an error"
  }
  const made = path.parentPath.parentPath?.parent
  if (
    path.parentPath.isObjectProperty() && parent.value === node && told.has(parent.key.name) &&
    made?.type === "NewExpression" && made.callee.name?.endsWith("Error")
  ) return "the text of an error"
  return undefined
}

const nameOf = (callee) => callee.type === "MemberExpression" ? callee.property.name : callee.name

const isCallOf = (node, object, name) =>
  node.type === "CallExpression" && node.callee.type === "MemberExpression" &&
  node.callee.object.name === object && node.callee.property.name === name

export const strykerPlugins = [{ kind: "Ignore", name: "sealog", value: { shouldIgnore } }]
