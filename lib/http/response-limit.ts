/**
 * How many responses run at once: in total, and for one client.
 *
 * A place is taken before any work is done and given back when the response is closed, however
 * that came about: sent, reset, refused, or the client left while it waited its turn in a
 * pipeline. When all are taken, responses whose clients hardly read are reset for newcomers
 * (shedding.ts); without such the newcomer is refused with 429.
 */
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import { clientGroup, isLoopback } from './client-group.ts'
import { type Mark, type Paced, type SheddingConfig, slowest } from './shedding.ts'

export interface ResponseLimitConfig {
  readonly total: number
  /** For one IPv4 address or IPv6 /64; this machine's own clients are not held to it. */
  readonly perAddress: number
  readonly shedding?: SheddingConfig
}

/** The connection of a response, as far as it is looked at. */
export type Connection = Pick<Socket, 'bytesWritten' | 'resetAndDestroy'>

export interface ResponseLimit {
  /**
   * Takes a place; the result gives it back and may be called twice.
   * @throws AppError TOO_MANY_RESPONSES
   */
  enter(address: string, connection: Connection): () => void
  /** Places taken now. */
  readonly running: number
}

const SHEDDING: SheddingConfig = { windowMs: 60_000, leastRate: 1024 }
/** Looking at all responses takes a moment, so a flood of newcomers must not ask for it each time. */
const LOOK_EVERY_MS = 1000
const RETRY_SECONDS = 5

export function createResponseLimit(
  config: ResponseLimitConfig,
  now: () => number = () => performance.now()
): ResponseLimit {
  const { total, perAddress, shedding = SHEDDING } = config
  const places = new Set<Place>()
  const perGroup = new Map<string, number>()
  let slow: Place[] = []
  let lookedAt = Number.NEGATIVE_INFINITY

  function enter(address: string, connection: Connection): () => void {
    const group = isLoopback(address) ? undefined : clientGroup(address)
    const count = group === undefined ? 0 : (perGroup.get(group) ?? 0)
    if (count >= perAddress) throw refusal('This address has too many responses under way.')
    if (places.size >= total && !shed()) throw refusal('Too many responses are under way.')
    const place = new Place(connection, now(), group)
    places.add(place)
    if (group !== undefined) perGroup.set(group, count + 1)
    return () => leave(place)
  }

  function leave(place: Place): void {
    if (!places.delete(place) || place.group === undefined) return
    const count = (perGroup.get(place.group) ?? 1) - 1
    if (count === 0) perGroup.delete(place.group)
    else perGroup.set(place.group, count)
  }

  /** Makes room for one by a reset; false when nobody is slow enough. */
  function shed(): boolean {
    const at = now()
    if (at - lookedAt >= LOOK_EVERY_MS) {
      lookedAt = at
      slow = slowest(places, at, shedding)
    }
    for (let place = slow.shift(); place !== undefined; place = slow.shift()) {
      if (!places.has(place)) continue
      leave(place)
      place.connection.resetAndDestroy()
      return true
    }
    return false
  }

  return {
    enter,
    get running() {
      return places.size
    }
  }
}

class Place implements Paced {
  readonly connection: Connection
  /** Whom it is counted for; undefined for those who are not counted. */
  readonly group: string | undefined
  mark: Mark

  constructor(connection: Connection, atMs: number, group: string | undefined) {
    this.connection = connection
    this.group = group
    this.mark = { atMs, bytes: connection.bytesWritten }
  }

  get bytes(): number {
    return this.connection.bytesWritten
  }
}

/**
 * Takes a place for the response to a request, until it is closed. Trusted proxies have been
 * looked through by fastify: `request.ip` is the client.
 * @throws AppError TOO_MANY_RESPONSES
 */
export function limitResponse(
  limit: ResponseLimit,
  request: FastifyRequest,
  { raw }: FastifyReply
): void {
  const leave = limit.enter(request.ip, request.raw.socket)
  raw.once('close', leave)
  if (raw.destroyed) leave()
}

function refusal(detail: string): AppError {
  return new AppError('TOO_MANY_RESPONSES', detail, { retryAfter: RETRY_SECONDS })
}
