/**
 * A wire with faults between a client and a server: it cuts, resets or stalls a connection after so many bytes in one
 * direction, once, and is sound from then on.
 */
import { Effect, type Scope } from "effect"
import { connect, createServer, type Socket } from "node:net"

export interface WireFault {
  readonly kind: "cut" | "reset" | "stall"
  readonly direction: "up" | "down"
  /** Counted over all connections since the fault was set. */
  readonly afterBytes: number
}

export interface Wire {
  readonly url: string
  readonly set: (fault: WireFault | undefined) => void
  /** Bytes that went by since `set`. */
  readonly passed: () => { readonly up: number; readonly down: number }
  /** Connections that are open now. */
  readonly open: () => number
}

export const makeWire = (port: number): Effect.Effect<Wire, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => startWire(port)),
    ({ close }) => Effect.promise(close)
  )

const startWire = async (port: number): Promise<Wire & { readonly close: () => Promise<void> }> => {
  let fault: WireFault | undefined
  let counts = { up: 0, down: 0 }
  const sockets = new Set<Socket>()

  const pump = (from: Socket, to: Socket, direction: "up" | "down") => {
    from.on("data", (chunk: Buffer) => {
      const before = counts[direction]
      counts[direction] += chunk.length
      if (fault?.direction !== direction || counts[direction] < fault.afterBytes) return void to.write(chunk)
      const { afterBytes, kind } = fault
      fault = undefined
      to.write(chunk.subarray(0, Math.max(0, afterBytes - before)))
      from.pause()
      if (kind === "stall") return
      // What went through is let out first: a cut is an end in the middle, not a loss before it.
      setImmediate(() => {
        for (const socket of [from, to]) {
          if (kind === "reset") socket.resetAndDestroy()
          else socket.destroy()
        }
      })
    })
    from.on("end", () => to.end())
    from.on("error", () => to.destroy())
    from.on("close", () => {
      sockets.delete(from)
      to.destroy()
    })
    sockets.add(from)
  }

  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1")
    pump(near, far, "up")
    pump(far, near, "down")
  })
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve)
  })
  const address = server.address()
  if (typeof address !== "object" || address === null) throw new Error("no port")
  return {
    url: `http://127.0.0.1:${address.port}/`,
    set: (next) => {
      fault = next
      counts = { up: 0, down: 0 }
    },
    passed: () => ({ ...counts }),
    open: () => sockets.size / 2,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          resolve()
        })
      })
  }
}
