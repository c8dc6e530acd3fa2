/**
 * How strangers find this node's torrents, and how it hears of them: trackers, browsers, DHT.
 *
 * One of each for the process. The process for browsers' connections is started with the first
 * torrent, and only where a WebSocket tracker is announced to. The DHT is told of a torrent only
 * once its metainfo says that it is not private (BEP 27).
 * Not its job: the nodes of the fleet, who know each other from the feed.
 */
import { type InfoHash, shardOf } from '../../core/info-hash.ts'
import type { Log } from '../process/service.ts'
import { createServices } from '../process/services.ts'
import { type Announcer, type AnnounceTotals, createAnnouncer } from '../swarm/announcer.ts'
import { createGuestTrackers, type GuestTrackers } from '../swarm/guest-trackers.ts'
import type { Swarm } from '../swarm/swarm.ts'
import { startWebRtc, type WebRtc } from '../swarm/webrtc/webrtc.ts'

export interface DiscoveryConfig {
  readonly announceUrls: readonly string[]
  /** Address the wire is bound to. */
  readonly wireHost: string
  /** `host:port` under which others know us; undefined: as we listen. */
  readonly wireAdvertise?: readonly string[] | undefined
  /** STUN and TURN servers of browsers' connections. */
  readonly iceServers?: readonly string[] | undefined
  /** Default: no DHT. */
  readonly dht?: boolean | undefined
  /** As given to the swarm; undefined: no connections of browsers are taken. */
  readonly relayToken: Uint8Array | undefined
}

export interface Discovery extends Announcer {
  /** @param isPublic its metainfo is known and says that the torrent is not private */
  announce(
    infoHash: InfoHash,
    left: () => number,
    totals?: () => AnnounceTotals,
    isPublic?: boolean
  ): void
  /** Asks trackers that a stranger's link names, once: see `GuestTrackers`. */
  consult(infoHash: InfoHash, urls: readonly string[], near: boolean): Promise<void>
}

export async function openDiscovery(
  config: DiscoveryConfig,
  {
    swarm,
    log
  }: { readonly swarm: Pick<Swarm, 'ports' | 'relayPorts' | 'introduce'>; readonly log: Log }
): Promise<Discovery> {
  const { announceUrls: urls, wireHost: host, wireAdvertise: self = [] } = config
  const ports = self.length > 0 ? self.map(portOf) : swarm.ports
  const services = createServices(log)
  const own = {
    self,
    port: (infoHash: InfoHash) => ports[shardOf(infoHash, ports.length)] ?? 0
  }
  const heard = { log, onPeers: swarm.introduce }
  const isIpv4 = !host.includes(':')
  const families = isIpv4 ? { families: [4 as const] } : {}
  const announcer = services.add(createAnnouncer({ urls, ...own, ...families }, heard))
  const { openDht } = config.dht ? await import('../swarm/dht.ts') : { openDht: undefined }
  const dht = openDht
    ? services.add(
        await openDht(
          { host: isIpv4 ? host : '0.0.0.0', udpPort: swarm.ports[0] ?? 0, ...own },
          heard
        )
      )
    : undefined
  let browsers: WebRtc | undefined
  let guests: GuestTrackers | undefined

  function tellBrowsers(infoHash: InfoHash, left: number): void {
    const { relayToken: token, iceServers = [] } = config
    if (token === undefined) return
    browsers ??= services.add(
      startWebRtc(
        { urls, iceServers, host, advertised: hostsOf(self), wirePorts: swarm.relayPorts, token },
        { log: log.child({ component: 'webrtc' }) }
      )
    )
    browsers.announce(infoHash, left)
  }

  return {
    name: 'discovery',
    announce(infoHash, left, totals, isPublic = false) {
      announcer.announce(infoHash, left, totals)
      tellBrowsers(infoHash, left())
      if (isPublic) dht?.announce({ infoHash, left, isPrivate: false })
    },
    async consult(infoHash, urls, near) {
      if (urls.length === 0) return
      guests ??= services.add(createGuestTrackers({ ...own, ...families }, heard))
      await guests.consult(infoHash, urls, near)
    },
    complete(infoHash) {
      announcer.complete(infoHash)
      tellBrowsers(infoHash, 0)
    },
    forget(infoHash) {
      browsers?.forget(infoHash)
      dht?.forget(infoHash)
      return announcer.forget(infoHash)
    },
    close: services.close
  }
}

function portOf(address: string): number {
  return Number(/\d+$/.exec(address)?.[0])
}

/** The hosts of `host:port` addresses, an IPv6 one without its brackets. */
function hostsOf(addresses: readonly string[]): string[] {
  return addresses.map((address) => address.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''))
}
