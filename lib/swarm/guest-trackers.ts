/**
 * Trackers that somebody's link names: asked for peers of that torrent, and trusted with nothing.
 *
 * Who sends such a link makes us send datagrams and requests, so nobody in a private network is
 * reached by it, neither by an address nor by a name that leads to one, unless the sender is on this
 * machine; redirects are not followed; number, time and size are bounded. Peers they name are
 * filtered as any tracker's. They hear of us once per asking, and nothing when we leave.
 */

import { randomBytes } from 'node:crypto'
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP } from 'node:net'
import { Agent, request } from 'undici'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log, Service } from '../process/service.ts'
import { isPrivateAddress } from './address.ts'
import {
  type AnnounceQuery,
  announceParams,
  parseAnnounceAnswer,
  type TrackerTransport
} from './announce-exchange.ts'
import type { PeerAddress } from './contract.ts'
import { createStrangers, type OwnAddresses } from './strangers.ts'
import { createUdpTracker } from './udp-tracker.ts'

/** Asked of one link. */
export const MAX_GUEST_TRACKERS = 10
const MAX_AT_ONCE = 64
const ANSWER_MS = 10_000
const UDP_WAITS_MS = [4000, 8000]
const MAX_ANSWER_BYTES = 256 * 1024
const NUMWANT = 50

/** Addresses of a name; the system's resolver by default. */
export type Resolve = (host: string) => Promise<readonly { address: string; family: number }[]>

export interface GuestTrackersDeps {
  readonly onPeers: (infoHash: InfoHash, peers: readonly PeerAddress[]) => void
  readonly log: Log
  readonly resolve?: Resolve
}

export interface GuestTrackers extends Service {
  /**
   * Asks each tracker once; resolves when all have answered or failed. Never rejects.
   * @param near whoever named them is on this machine: private addresses may be reached
   */
  consult(infoHash: InfoHash, urls: readonly string[], near: boolean): Promise<void>
}

interface Doors {
  readonly http: Pick<TrackerTransport, 'exchange' | 'close'>
  readonly udp: TrackerTransport
}

export function createGuestTrackers(
  config: OwnAddresses & { readonly families?: readonly (4 | 6)[] },
  { onPeers, log, resolve = resolveAll }: GuestTrackersDeps
): GuestTrackers {
  const peerId = `-SG0010-${randomBytes(9).toString('base64url')}`
  const key = randomBytes(4).toString('hex')
  const strangers = createStrangers(config)
  const doors = new Map<boolean, Doors>()
  let underWay = 0
  let closed = false

  function doorsFor(near: boolean): Doors {
    const known = doors.get(near)
    if (known !== undefined) return known
    const reachable = near ? resolve : onlyPublic(resolve)
    const { families } = config
    const opened = {
      http: createHttp(reachable),
      udp: createUdpTracker(
        { waitsMs: UDP_WAITS_MS, ...(families && { families }) },
        { resolve: reachable }
      )
    }
    doors.set(near, opened)
    return opened
  }

  async function ask(infoHash: InfoHash, url: string, near: boolean): Promise<void> {
    if (underWay >= MAX_AT_ONCE) return
    underWay++
    try {
      const { http, udp } = doorsFor(near)
      const transport = url.startsWith('udp:') ? udp : http
      const answer = await transport.exchange(url, queryFor(infoHash))
      if (answer.status !== 'accepted' || closed) return
      const found = strangers(infoHash, answer.peers, near)
      if (found.length > 0) onPeers(infoHash, found)
    } catch (err) {
      log.debug({ err, infoHash, url: url.slice(0, 200) }, 'a tracker of a link did not answer')
    } finally {
      underWay--
    }
  }

  function queryFor(infoHash: InfoHash): AnnounceQuery {
    const port = config.port(infoHash)
    const nothing = { uploaded: 0, downloaded: 0, left: 1, trackerId: undefined }
    return { ...nothing, infoHash, peerId, port, numwant: NUMWANT, key, event: 'started' }
  }

  return {
    name: 'guest trackers',
    async consult(infoHash, urls, near) {
      if (closed) return
      const usable = urls.filter((url) => isUsable(url, near)).slice(0, MAX_GUEST_TRACKERS)
      await Promise.all(usable.map((url) => ask(infoHash, url, near)))
    },
    async close() {
      closed = true
      const all = [...doors.values()].flatMap(({ http, udp }) => [http.close(), udp.close()])
      await Promise.all(all)
    }
  }
}

/** Names are looked at when they are resolved, literals here: nobody resolves them. */
function isUsable(url: string, near: boolean): boolean {
  if (!/^(https?|udp):\/\//.test(url) || !URL.canParse(url)) return false
  const { hostname, username, password } = new URL(url)
  if (username !== '' || password !== '') return false
  return near || !isPrivateAddress(hostname.replace(/^\[|\]$/g, ''))
}

function onlyPublic(resolve: Resolve): Resolve {
  return async (host) => {
    const addresses = await resolve(host)
    const open = addresses.filter(({ address }) => !isPrivateAddress(address))
    if (open.length === 0) throw new Error(`${host} has no public address`)
    return open
  }
}

function createHttp(resolve: Resolve): Doors['http'] {
  const agent = new Agent({
    connections: 2,
    maxResponseSize: MAX_ANSWER_BYTES,
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
    connect: { timeout: ANSWER_MS, lookup: lookupBy(resolve) }
  })
  return {
    async exchange(url, query) {
      const { origin, pathname, search } = new URL(url)
      const path = `${pathname}${search}${search === '' ? '?' : '&'}${announceParams(query)}`
      const { body } = await request(origin + path, {
        dispatcher: agent,
        headers: { 'user-agent': 'Swarmgate', accept: '*/*' },
        signal: AbortSignal.timeout(2 * ANSWER_MS)
      })
      return parseAnnounceAnswer(Buffer.from(await body.arrayBuffer()))
    },
    close: () => agent.destroy()
  }
}

/** `dns.lookup` as sockets call it. */
function lookupBy(resolve: Resolve): typeof systemLookup {
  const lookup = (
    host: string,
    options: { readonly all?: boolean },
    done: (err: Error | null, address?: string | LookupAddress[], family?: number) => void
  ): void => {
    resolve(host).then(
      (found) => {
        const [first] = found
        if (options.all === true) done(null, [...found])
        else done(null, first?.address ?? '', first?.family ?? 4)
      },
      (err: Error) => done(err)
    )
  }
  return lookup as typeof systemLookup
}

function resolveAll(host: string): Promise<LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return Promise.resolve([{ address: host, family }])
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true }, (err, addresses) => {
      if (err === null) resolve(addresses)
      else reject(err)
    })
  })
}
