/**
 * Exchanges with trackers over HTTP and HTTPS (BEP 3, 7, 23), on kept connections.
 *
 * Bounded: connections per tracker, time of an exchange, size of an answer.
 */
import { Agent, request } from 'undici'
import { announceUrl, parseAnnounceAnswer, type TrackerTransport } from './announce-exchange.ts'

const MAX_ANSWER_BYTES = 256 * 1024
const ANSWER_MS = 10_000
const MINUTE = 60_000

export function createHttpTracker(): TrackerTransport {
  const agent = new Agent({
    connections: 4,
    keepAliveTimeout: 4 * MINUTE,
    keepAliveMaxTimeout: 10 * MINUTE,
    connect: { timeout: ANSWER_MS },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS
  })

  return {
    async exchange(url, query) {
      const { body } = await request(announceUrl(url, query), {
        dispatcher: agent,
        headers: { 'user-agent': 'Swarmgate', accept: '*/*' },
        signal: AbortSignal.timeout(2 * ANSWER_MS)
      })
      return parseAnnounceAnswer(await readBounded(body))
    },
    hurry() {},
    close: () => agent.destroy()
  }
}

async function readBounded(body: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue
    size += chunk.byteLength
    if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
