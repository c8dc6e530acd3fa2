/**
 * The sending end of a bare data channel: bytes out of memory, as fast as the channel takes them.
 *
 * Reads `BareOrder`s as lines of JSON, answers each with the session description of its channel.
 * Messages and what may wait in the channel are as long as in `lib/swarm/webrtc/bridge.ts`.
 */
import { createInterface } from 'node:readline'
import nodeDataChannel, { type DataChannel } from 'node-datachannel'
import { offerText, parseOffer } from '../lib/swarm/webrtc/offer.ts'

export interface BareOrder {
  /** The browser's offer. */
  readonly sdp: string
  /** To be sent over the channel it opens. */
  readonly bytes: number
}

export interface BareAnswer {
  readonly sdp: string
}

const MESSAGE = Buffer.alloc(64 * 1024, 7)
const MAX_UNSENT_BYTES = 512 * 1024
const RESUME_BYTES = 128 * 1024

createInterface({ input: process.stdin }).on('line', (line) => answer(JSON.parse(line)))

function answer({ sdp, bytes }: BareOrder): void {
  const offer = parseOffer(sdp, true)
  if (offer === undefined) throw new Error('the browser offers no data channel')
  const connection = new nodeDataChannel.PeerConnection('bare', { iceServers: [] })
  connection.onGatheringStateChange((state) => {
    if (state !== 'complete') return
    const own: BareAnswer = { sdp: connection.localDescription()?.sdp ?? '' }
    process.stdout.write(`${JSON.stringify(own)}\n`)
  })
  connection.onDataChannel((channel) => {
    channel.onClosed(() => connection.close())
    send(channel, bytes)
  })
  connection.setRemoteDescription(offerText(offer), 'offer')
}

function send(channel: DataChannel, bytes: number): void {
  let left = bytes
  channel.setBufferedAmountLowThreshold(RESUME_BYTES)
  channel.onBufferedAmountLow(fill)
  fill()

  function fill(): void {
    while (left > 0 && channel.bufferedAmount() < MAX_UNSENT_BYTES) {
      const length = Math.min(left, MESSAGE.byteLength)
      channel.sendMessageBinary(MESSAGE.subarray(0, length))
      left -= length
    }
  }
}
