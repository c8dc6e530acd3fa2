/**
 * The WebRTC side of a node: browsers find us through WebSocket trackers and reach the engines.
 *
 * All of it happens in a process of its own, because the library underneath is native code that
 * reads packets of strangers; when it dies, the channels it carried end, it is started again, and
 * everything announced is said to it once more (docs/adr/0005). This process never loads it.
 * Not its job: what is said over a channel, which the engine behind `wirePorts` reads as any other
 * connection after its preamble.
 */
import type { InfoHash } from '../../../core/info-hash.ts'
import type { Log, Service } from '../../process/service.ts'
import { keepProcess } from './kept-process.ts'
import type { AnnouncedTorrent } from './process-message.ts'

const ENTRY = new URL('./entry.ts', import.meta.url)

export interface WebRtcConfig {
  /** Announce URLs; those that are not ws or wss are left out. Without one nothing runs. */
  readonly urls: readonly string[]
  /** STUN and TURN servers as `parseIceServer` writes them. */
  readonly iceServers: readonly string[]
  /** Address that is bound and told to peers; a wildcard stands for every interface. */
  readonly host: string
  /** With a wildcard: the only addresses of this machine told to peers; empty: as they are found. */
  readonly advertised: readonly string[]
  /** Loopback ports of the engines, worker `shardOf(infoHash, n)`; each expects a preamble. */
  readonly wirePorts: readonly number[]
  /** `TOKEN_BYTES` random bytes for `encodePreamble`. */
  readonly token: Uint8Array
}

export interface WebRtc extends Service {
  /** The id of the process that holds the connections; undefined while none runs. */
  readonly pid: number | undefined
  /**
   * Takes part in the torrent from now on; again updates `left`.
   * @param left bytes missing; 0 tells trackers that we are a seed
   */
  announce(infoHash: InfoHash, left: number): void
  /** Leaves the swarm at the trackers; connections that are open stay. */
  forget(infoHash: InfoHash): void
}

/** Returns at once; the process is started beside and kept running until `close`. */
export function startWebRtc(config: WebRtcConfig, { log }: { readonly log: Log }): WebRtc {
  const urls = config.urls.filter((url) => /^wss?:/i.test(url))
  const announced = new Map<InfoHash, number>()
  const kept =
    urls.length === 0 || config.wirePorts.length === 0
      ? undefined
      : keepProcess(ENTRY, {
          log,
          hello: () => ({
            type: 'start',
            config: {
              ...config,
              urls,
              token: Buffer.from(config.token).toString('hex')
            },
            torrents: Array.from(announced, ([infoHash, left]): AnnouncedTorrent => {
              return { infoHash, left }
            })
          })
        })

  function announce(infoHash: InfoHash, left: number): void {
    if (kept === undefined || announced.get(infoHash) === left) return
    announced.set(infoHash, left)
    kept.send({ type: 'announce', torrent: { infoHash, left } })
  }

  function forget(infoHash: InfoHash): void {
    if (announced.delete(infoHash)) kept?.send({ type: 'forget', infoHash })
  }

  async function close(): Promise<void> {
    await kept?.close()
  }

  return {
    name: 'webrtc',
    get pid() {
      return kept?.pid
    },
    announce,
    forget,
    close
  }
}
