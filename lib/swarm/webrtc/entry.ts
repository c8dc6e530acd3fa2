/**
 * The WebRTC process: the only one that loads the native library.
 *
 * Started by `keepProcess`; ends when told to, when its parent is gone, or when it needs more
 * memory than it may: what waits inside the library cannot be counted, only seen from outside.
 */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import nodeDataChannel from 'node-datachannel'
import { parseAddress } from '../address.ts'
import { type AnnounceSchedule, createAnnounceSchedule } from './announce-schedule.ts'
import { createPeers, type Peers } from './peers.ts'
import type { ProcessCommand, ProcessConfig, ProcessEvent } from './process-message.ts'
import { openTrackerSocket, type TrackerSocket } from './tracker-socket.ts'

const MAX_RESIDENT_BYTES = 1024 * 1024 * 1024
const LOOK_MS = 1000
/** For the last announces to leave the machine. */
const FAREWELL_MS = 250

interface Tracker {
  readonly schedule: AnnounceSchedule
  readonly socket: TrackerSocket
}

let peers: Peers | undefined
let trackers: readonly Tracker[] = []
/** One command after the other: the first one takes a while. */
let work = Promise.resolve()

process.on('disconnect', () => process.exit(0))
process.on('message', (command: ProcessCommand) => {
  work = work.then(() => obey(command))
})
setInterval(() => {
  if (process.memoryUsage.rss() > MAX_RESIDENT_BYTES) throw new Error('too much memory in use')
}, LOOK_MS)

async function obey(command: ProcessCommand): Promise<void> {
  switch (command.type) {
    case 'start':
      trackers = await start(command.config)
      tell(({ put }) => {
        for (const { infoHash, left } of command.torrents) put(infoHash, left)
      })
      post({ type: 'ready' })
      break
    case 'announce':
      tell(({ put }) => put(command.torrent.infoHash, command.torrent.left))
      break
    case 'forget':
      tell(({ remove }) => remove(command.infoHash))
      break
    case 'close':
      close()
  }
}

async function start(config: ProcessConfig): Promise<Tracker[]> {
  const { address } = await lookup(config.host)
  const isWildcard = address === '::' || address === '0.0.0.0'
  const literals = config.advertised.flatMap((address) => {
    const host = parseAddress(address)?.host ?? address
    return isIP(host) === 0 ? [] : [host]
  })
  peers = createPeers(
    {
      iceServers: config.iceServers,
      bindAddress: isWildcard ? undefined : address,
      named: isWildcard ? literals : [address],
      wirePorts: config.wirePorts,
      token: Buffer.from(config.token, 'hex')
    },
    {
      open: (rtc) => new nodeDataChannel.PeerConnection('peer', rtc),
      trouble: (message) => post({ type: 'trouble', message })
    }
  )
  const peerId = `-SG0100-${randomBytes(12).toString('latin1')}`
  const { offered } = peers
  return config.urls.map((url) => {
    const schedule = createAnnounceSchedule()
    const trouble = (message: string) => post({ type: 'trouble', message, url })
    return {
      schedule,
      socket: openTrackerSocket(url, peerId, { schedule, onOffer: offered, trouble })
    }
  })
}

function tell(change: (schedule: AnnounceSchedule) => void): void {
  for (const { schedule, socket } of trackers) {
    change(schedule)
    socket.poke()
  }
}

function close(): void {
  peers?.close()
  for (const { schedule, socket } of trackers) {
    schedule.stop()
    socket.close()
  }
  setTimeout(() => process.exit(0), FAREWELL_MS)
}

/** The parent may be gone: then so are we in a moment. */
function post(event: ProcessEvent): void {
  if (process.connected) process.send?.(event, undefined, undefined, () => {})
}
