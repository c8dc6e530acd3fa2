/** A browser of the test's own: announces with an offer, and speaks over the channel it gets. */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { InfoHash } from '../../../../core/info-hash.ts'
import { announceMessage, openWsPeer } from '../../../tracker/announce/ws-peer.ts'
import type { OfferingCommand, OfferingEvent } from './offering-process.ts'

const ENTRY = new URL('./offering-process.ts', import.meta.url)

export interface ChannelPeer {
  readonly sdp: string
  /** Connects by the answer; resolves when the channel is open. */
  take(answer: string): Promise<void>
  send(bytes: Uint8Array): void
  /** Resolves with everything received, once it is that much. */
  received(length: number): Promise<Buffer>
  close(): void
  readonly closed: Promise<void>
}

/** Resolves when the offer is there. */
export async function makeOffer(t: Test): Promise<ChannelPeer> {
  const child = fork(ENTRY, { serialization: 'advanced' })
  t.teardown(() => void child.kill('SIGKILL'))
  const offered = Promise.withResolvers<string>()
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const inbox = openInbox()
  child.on('message', (event: OfferingEvent) => {
    if (event.type === 'offer') offered.resolve(event.sdp)
    else if (event.type === 'open') opened.resolve()
    else if (event.type === 'closed') closed.resolve()
    else inbox.put(event.bytes)
  })
  const tell = (command: OfferingCommand) => void child.send(command)
  return {
    sdp: await offered.promise,
    take(sdp) {
      tell({ type: 'answer', sdp })
      return opened.promise
    },
    send: (bytes) => tell({ type: 'send', bytes }),
    received: inbox.received,
    close: () => tell({ type: 'close' }),
    closed: closed.promise
  }
}

/** Resolves when the channel is open. Somebody must be in the swarm to take the offer. */
export async function openChannelPeer(
  t: Test,
  trackerPort: number,
  infoHash: InfoHash
): Promise<ChannelPeer> {
  const tracker = await openWsPeer(t, trackerPort)
  const name = randomBytes(10).toString('hex')
  const peer = await makeOffer(t)
  while (Number((await tracker.ask(announceMessage(infoHash, name))).incomplete) < 2);
  const offers = [{ offer_id: name, offer: { type: 'offer', sdp: peer.sdp } }]
  tracker.send(announceMessage(infoHash, name, { offers, numwant: 1 }))
  for (;;) {
    const { answer } = await tracker.next()
    if (!isAnswer(answer)) continue
    await peer.take(answer.sdp)
    return peer
  }
}

export function isAnswer(value: unknown): value is { readonly sdp: string } {
  return typeof value === 'object' && value !== null && 'sdp' in value
}

function openInbox() {
  const chunks: Uint8Array[] = []
  let size = 0
  let check = () => {}
  return {
    put(bytes: Uint8Array): void {
      chunks.push(bytes)
      size += bytes.byteLength
      check()
    },
    async received(length: number): Promise<Buffer> {
      while (size < length) {
        await new Promise<void>((resolve) => {
          check = resolve
        })
      }
      return Buffer.concat(chunks)
    }
  }
}
