/**
 * The control socket as a script would use it, from its description in `docs/operating.md` and none of our own code:
 * what a daemon tells the one who asks is what it must keep.
 */
import { Data, Effect, type Scope } from "effect"
import * as Net from "node:net"
import { join } from "node:path"

/** The daemon did not answer, or answered with an error. */
export class Unanswered extends Data.TaggedError("Unanswered")<{ readonly message: string }> {}

export interface ControlSocket {
  /** Asks for one value. */
  readonly ask: (method: string, params?: object) => Effect.Effect<Record<string, unknown>, Unanswered>
  /** Asks for many values and hands on each as it comes, as long as the connection stands. */
  readonly follow: (
    method: string,
    params: object,
    each: (value: Record<string, unknown>) => void
  ) => Effect.Effect<void>
}

interface Message {
  readonly id?: number
  readonly value?: Record<string, unknown>
  readonly end?: true
  readonly error?: { readonly message: string }
}

/** Connects to the daemon of a home, which must have said that it is ready. */
export const connect = (home: string): Effect.Effect<ControlSocket, Unanswered, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(open(join(home, "control.sock")), (socket) => Effect.sync(() => socket.destroy())),
    converse
  )

const open = (path: string) =>
  Effect.async<Net.Socket, Unanswered>((resume) => {
    const socket = Net.connect(path)
    socket.once("error", ({ message }) => resume(new Unanswered({ message })))
    socket.once("connect", () => resume(Effect.succeed(socket)))
  })

const converse = (socket: Net.Socket): ControlSocket => {
  const takers = new Map<number, (message: Message) => void>()
  let rest = ""
  let next = 1
  socket.setEncoding("utf8")
  socket.on("data", (chunk) => {
    const lines = (rest + String(chunk)).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) {
      const message = JSON.parse(line) as Message
      takers.get(message.id ?? 0)?.(message)
    }
  })
  // A daemon that is killed resets the connection; whoever waits for an answer is told by the close.
  socket.on("error", () => {})
  socket.on("close", () => {
    for (const take of takers.values()) take({ error: { message: "the daemon went away" } })
  })
  const send = (id: number, method: string, params: object) =>
    Effect.sync(() => void socket.write(`${JSON.stringify({ id, method, params })}\n`))
  return {
    ask: (method, params = {}) =>
      Effect.async((resume) => {
        const id = next++
        takers.set(id, ({ error, value }) => {
          takers.delete(id)
          resume(
            value === undefined ? new Unanswered({ message: error?.message ?? "no answer" }) : Effect.succeed(value)
          )
        })
        socket.write(`${JSON.stringify({ id, method, params })}\n`)
      }),
    follow: (method, params, each) => {
      const id = next++
      takers.set(id, ({ value }) => value === undefined ? undefined : each(value))
      return send(id, method, params)
    }
  }
}
