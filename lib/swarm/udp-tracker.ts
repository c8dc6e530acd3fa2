/**
 * Exchanges with trackers over UDP (BEP 15, 41), over IPv4 and IPv6 (BEP 7).
 *
 * A tracker with an address in both families hears of us in both, since it takes the address it
 * sees. A connection id is used for a minute and shared by all torrents; a question that gets no
 * answer is sent again with a fresh id, as a tracker that was restarted no longer knows the old.
 */
import { lookup } from 'node:dns/promises'
import { SocketAddress } from 'node:net'
import { abortable } from '../process/abortable.ts'
import type { AnnounceAnswer, AnnounceQuery, TrackerTransport } from './announce-exchange.ts'
import type { AcceptedAnswer } from './announce-line.ts'
import {
  announceRequest,
  connectRequest,
  parseConnectAnswer,
  parseUdpAnswer
} from './udp-announce.ts'
import { createUdpDesk, type Endpoint } from './udp-desk.ts'

const CONNECTION_MS = 60_000
const RESOLVED_MS = 5 * 60_000
/** How long the slower family may take after the other was accepted. */
const GRACE_MS = 1000
const MAX_CONNECTIONS = 64
/** BEP 15's first two waits; after that the list of trackers rests, which is the rest of them. */
const WAITS_MS: readonly number[] = [15_000, 30_000]

export interface UdpTrackerConfig {
  /** How long each sending of a question waits for its answer. */
  readonly waitsMs?: readonly number[]
  /** Families the wire is reached in. */
  readonly families?: readonly (4 | 6)[]
}

export interface UdpTrackerDeps {
  /** Addresses of a host, preferred first; the system's by default. */
  readonly resolve?: (host: string) => Promise<readonly { address: string; family: number }[]>
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
}

interface Connection {
  readonly id: Promise<Buffer>
  readonly since: number
}

interface Resolved {
  /** At most one of each family. */
  endpoints: readonly Endpoint[]
  readonly since: number
}

export function createUdpTracker(
  { waitsMs = WAITS_MS, families = [4, 6] }: UdpTrackerConfig = {},
  { resolve = resolveAll, now = () => performance.now() }: UdpTrackerDeps = {}
): TrackerTransport {
  const desk = createUdpDesk()
  const connections = new Map<string, Connection>()
  const resolved = new Map<string, Resolved>()
  const never = new AbortController().signal
  /** Aborts what waits for an address or a connection id: nothing has been told there. */
  let connecting = new AbortController()

  async function exchange(url: string, query: AnnounceQuery): Promise<AnnounceAnswer> {
    const { host, pathname, search } = new URL(url)
    const tracker = await endpointsOf(url)
    const [first, second] = tracker.endpoints
    if (first === undefined) throw new Error(`${host} has no address of a family in use`)
    const ask = (endpoint: Endpoint) => askEndpoint(endpoint, query, pathname + search)
    try {
      if (second === undefined) return await ask(first)
      const { answer, silent } = await soonest([first, second], ask)
      if (silent !== undefined) {
        tracker.endpoints = tracker.endpoints.filter((endpoint) => endpoint !== silent)
      }
      return answer
    } catch (err) {
      resolved.delete(url)
      throw err
    }
  }

  async function askEndpoint(
    endpoint: Endpoint,
    query: AnnounceQuery,
    path: string
  ): Promise<AnnounceAnswer> {
    const key = `${endpoint.address} ${endpoint.port}`
    let problem: unknown
    for (const waitMs of waitsMs) {
      const { signal } = connecting
      try {
        const id = await connect(endpoint, key, waitMs)
        const request = announceRequest(id, query, path)
        const message = await desk.ask(endpoint, request, waitMs, never)
        const answer = parseUdpAnswer(message, endpoint.family === 4 ? 4 : 16)
        if (answer.status !== 'refused' || !/connection/i.test(answer.reason)) return answer
        problem = new Error(answer.reason)
      } catch (err) {
        problem = err
        if (signal.aborted) break
      }
      connections.delete(key)
    }
    throw problem
  }

  /** One connect for everybody who needs it. */
  function connect(endpoint: Endpoint, key: string, waitMs: number): Promise<Buffer> {
    const known = connections.get(key)
    if (known !== undefined && isFresh(known)) return known.id
    if (connections.size >= MAX_CONNECTIONS) connections.clear()
    const id = desk.ask(endpoint, connectRequest(), waitMs, connecting.signal).then((message) => {
      const answer = parseConnectAnswer(message)
      if (answer.status === 'connected') return answer.connectionId
      throw new Error(answer.status === 'refused' ? answer.reason : 'no connection id')
    })
    connections.set(key, { id, since: now() })
    return id
  }

  function isFresh(connection: Connection | undefined): boolean {
    return connection !== undefined && now() - connection.since < CONNECTION_MS
  }

  async function endpointsOf(url: string): Promise<Resolved> {
    const known = resolved.get(url)
    if (known !== undefined && now() - known.since < RESOLVED_MS) return known
    const { hostname, port } = new URL(url)
    if (port === '') throw new Error('a tracker over UDP has no default port')
    const asked = resolve(hostname.replace(/^\[|\]$/g, ''))
    const addresses = await abortable(asked, connecting.signal)
    const all = addresses.map(({ address, family }) => endpointAt(address, family, Number(port)))
    const endpoints = all.filter(
      ({ family }, at) =>
        families.includes(family) && all.findIndex((other) => other.family === family) === at
    )
    const fresh = { endpoints, since: now() }
    resolved.set(url, fresh)
    return fresh
  }

  return {
    exchange,
    hurry() {
      connecting.abort()
      connecting = new AbortController()
    },
    async close() {
      connecting.abort()
      await desk.close()
    }
  }
}

/** Asks both; the slower one adds its peers if it is in time, and is named if it is not. */
async function soonest(
  endpoints: readonly [Endpoint, Endpoint],
  ask: (endpoint: Endpoint) => Promise<AnnounceAnswer>
): Promise<{ answer: AnnounceAnswer; silent: Endpoint | undefined }> {
  const asked = endpoints.map(async (endpoint) => {
    const answer = await ask(endpoint)
    if (answer.status !== 'accepted') throw new Refused(answer)
    return { endpoint, answer }
  })
  const all = Promise.allSettled(asked)
  try {
    const { endpoint, answer } = await Promise.any(asked)
    const outcomes = await within(GRACE_MS, all)
    const accepted = outcomes?.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])) ?? []
    if (accepted.length === 2)
      return { answer: merged(accepted.map((one) => one.answer)), silent: undefined }
    return { answer, silent: endpoints.find((other) => other !== endpoint) }
  } catch (err) {
    const problems: unknown[] = err instanceof AggregateError ? err.errors : [err]
    const refused = problems.find((problem) => problem instanceof Refused)
    if (refused !== undefined) return { answer: refused.answer, silent: undefined }
    throw problems[0]
  }
}

class Refused extends Error {
  readonly answer: AnnounceAnswer

  constructor(answer: AnnounceAnswer) {
    super('the tracker refused')
    this.answer = answer
  }
}

function merged(answers: readonly AcceptedAnswer[]): AcceptedAnswer {
  const [first] = answers as [AcceptedAnswer, AcceptedAnswer]
  return { ...first, peers: answers.flatMap(({ peers }) => peers) }
}

/** Undefined when `work` takes longer. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function endpointAt(address: string, family: number, port: number): Endpoint {
  if (family !== 6) return { family: 4, address, port }
  const { address: canonical } = new SocketAddress({ address, family: 'ipv6', port })
  return { family: 6, address: canonical, port }
}

function resolveAll(host: string): Promise<{ address: string; family: number }[]> {
  return lookup(host, { all: true })
}
