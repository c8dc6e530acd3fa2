/**
 * How many connections a server holds: in total, and from one address.
 *
 * Over a limit a connection is closed unread. When few places are left, kept-alive connections on
 * which nothing is under way make room. This machine's own clients and trusted proxies, which
 * stand for many, are held to the total only.
 */
import type { Server, Socket } from 'node:net'
import { clientGroup, isLoopback } from './client-group.ts'

export interface ConnectionLimitConfig {
  readonly total: number
  readonly perAddress: number
  /** Addresses that stand for many clients. */
  readonly isProxy: (address: string) => boolean
}

/** The part of the total at which idle connections begin to be in the way. */
const CROWDED = 0.9

/** @param closeIdle closes the connections whose last response is finished */
export function limitConnections(
  server: Server,
  { total, perAddress, isProxy }: ConnectionLimitConfig,
  closeIdle: () => void
): void {
  const perGroup = new Map<string, number>()
  let open = 0

  function admit(socket: Socket): boolean {
    const group = groupOf(socket.remoteAddress ?? '')
    const count = group === undefined ? 0 : (perGroup.get(group) ?? 0)
    if (count >= perAddress) return false
    if (open >= total) return false
    if (open >= total * CROWDED) closeIdle()
    open++
    if (group !== undefined) perGroup.set(group, count + 1)
    socket.once('close', () => leave(group))
    return true
  }

  function leave(group: string | undefined): void {
    open--
    if (group === undefined) return
    const count = (perGroup.get(group) ?? 1) - 1
    if (count === 0) perGroup.delete(group)
    else perGroup.set(group, count)
  }

  function groupOf(address: string): string | undefined {
    return isLoopback(address) || isProxy(address) ? undefined : clientGroup(address)
  }

  server.prependListener('connection', (socket: Socket) => {
    if (!admit(socket)) socket.destroy()
  })
}
