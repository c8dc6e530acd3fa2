/**
 * One WebSocket to one tracker, for all torrents: announces go out, strangers' offers come in.
 *
 * Opened again when it ends, later each time; announces are paced and wait while the tracker does
 * not read. Bounded: one message by `MAX_SIGNAL_BYTES`, what we send by `MAX_UNSENT_BYTES`. A
 * tracker that stops answering pings is left.
 */
import WebSocket from 'ws'
import { isPrivateAddress } from '../address.ts'
import type { AnnounceSchedule } from './announce-schedule.ts'
import {
  announceSignal,
  answerSignal,
  MAX_SIGNAL_BYTES,
  type OfferSignal,
  parseSignal
} from './signal.ts'

const HANDSHAKE_MS = 10_000
const HEARTBEAT_MS = 30_000
const FIRST_PAUSE_MS = 1000
const LAST_PAUSE_MS = 60_000
/** Announces in one go, and the pause after it: 200 a second. */
const BURST = 20
const BURST_PAUSE_MS = 100
const MAX_UNSENT_BYTES = 256 * 1024
/** Timers cannot wait longer than 2^31 ms; nothing here needs to. */
const MAX_WAIT_MS = 60_000

export interface TrackerSocketDeps {
  readonly schedule: AnnounceSchedule
  /**
   * Somebody offers a connection.
   * @param near the tracker is in a private network, and so is whoever talks through it
   * @param reply sends our answer, while the socket is the one the offer came from
   */
  readonly onOffer: (offer: OfferSignal, near: boolean, reply: (sdp: string) => void) => void
  /** Told once until the tracker accepts something again. */
  readonly trouble: (message: string) => void
}

export interface TrackerSocket {
  /** The schedule has news. */
  poke(): void
  /** Sends what is due, as far as the tracker takes it, and closes. */
  close(): void
}

/** @param peerId 20 bytes, one character each: our name at this tracker */
export function openTrackerSocket(
  url: string,
  peerId: string,
  { schedule, onOffer, trouble }: TrackerSocketDeps
): TrackerSocket {
  let socket: WebSocket | undefined
  let near = false
  let heard = false
  let healthy = true
  let pauseMs = FIRST_PAUSE_MS
  let closed = false
  let reopening: NodeJS.Timeout | undefined
  let sending: NodeJS.Timeout | undefined
  const heartbeat = setInterval(beat, HEARTBEAT_MS)
  open()

  function open(): void {
    const next = new WebSocket(url, {
      maxPayload: MAX_SIGNAL_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      headers: { 'user-agent': 'Swarmgate' }
    })
    next.on('upgrade', (response) => {
      near = isPrivateAddress(response.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '')
    })
    next.on('open', () => {
      socket = next
      heard = true
      schedule.reset()
      flush()
    })
    next.on('message', (data) => receive(next, data.toString()))
    next.on('pong', () => {
      heard = true
    })
    next.on('error', (err) => complain(err.message))
    next.on('close', () => {
      socket = undefined
      if (!closed) reopen()
    })
  }

  function reopen(): void {
    complain('the tracker closed the socket')
    clearTimeout(sending)
    reopening = setTimeout(open, pauseMs * (0.75 + Math.random() / 2))
    pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2)
  }

  function complain(message: string): void {
    if (healthy && !closed) trouble(message)
    healthy = false
  }

  function receive(from: WebSocket, text: string): void {
    heard = true
    const signal = parseSignal(text)
    if (signal.kind === 'accepted') {
      healthy = true
      pauseMs = FIRST_PAUSE_MS
      schedule.interval(signal.intervalS)
    } else if (signal.kind === 'refused') {
      complain(`the tracker refuses: ${signal.reason}`)
    } else if (signal.kind === 'offer' && signal.peerId !== peerId && !closed) {
      onOffer(signal, near, (sdp) => {
        if (from === socket) send(answerSignal(peerId, signal, sdp))
      })
    }
  }

  function send(text: string): void {
    if (socket?.readyState === 1 && socket.bufferedAmount < MAX_UNSENT_BYTES) socket.send(text)
  }

  /** Sends a burst of what is due, and comes back when more is. */
  function flush(burst = BURST): void {
    clearTimeout(sending)
    if (socket === undefined) return
    for (let sent = 0; sent < burst && socket.bufferedAmount < MAX_UNSENT_BYTES; sent += 1) {
      const due = schedule.take(Date.now())
      if (due === undefined) break
      send(announceSignal({ ...due, peerId }))
    }
    if (closed || schedule.dueMs === undefined) return
    const waitMs = Math.max(BURST_PAUSE_MS, schedule.dueMs - Date.now())
    sending = setTimeout(flush, Math.min(MAX_WAIT_MS, waitMs))
  }

  function beat(): void {
    if (!heard) socket?.terminate()
    heard = false
    socket?.ping()
  }

  return {
    poke: () => flush(),
    close() {
      closed = true
      clearTimeout(reopening)
      clearInterval(heartbeat)
      flush(Number.POSITIVE_INFINITY)
      clearTimeout(sending)
      socket?.close()
    }
  }
}
