/** What the process and its WebRTC process say to each other, as JSON over the channel of `fork`. */
import type { InfoHash } from '../../../core/info-hash.ts'

export interface AnnouncedTorrent {
  readonly infoHash: InfoHash
  /** Bytes missing. */
  readonly left: number
}

export interface ProcessConfig {
  readonly urls: readonly string[]
  readonly iceServers: readonly string[]
  readonly host: string
  readonly advertised: readonly string[]
  readonly wirePorts: readonly number[]
  /** In hex. Told here and not in the arguments, which every user of the machine can read. */
  readonly token: string
}

export type ProcessCommand =
  /** The first word, once. */
  | {
      readonly type: 'start'
      readonly config: ProcessConfig
      readonly torrents: readonly AnnouncedTorrent[]
    }
  | { readonly type: 'announce'; readonly torrent: AnnouncedTorrent }
  | { readonly type: 'forget'; readonly infoHash: InfoHash }
  /** Tell the trackers, end every connection, exit. */
  | { readonly type: 'close' }

export type ProcessEvent =
  /** The native code is loaded. */
  | { readonly type: 'ready' }
  /** Worth a log line; never a reason to act. */
  | { readonly type: 'trouble'; readonly message: string; readonly url?: string | undefined }
