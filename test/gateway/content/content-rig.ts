/** The content side of a gateway on a real port, over a real library and a real cache. */
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { EMPTY_DENYLIST } from '../../../gateway/access/denylist.ts'
import type { LinkKey } from '../../../gateway/access/signed-link.ts'
import { createSigningKeys } from '../../../gateway/access/signing-keys.ts'
import type { Accel } from '../../../gateway/content/accel.ts'
import { isContentTarget } from '../../../gateway/content/content-url.ts'
import type { ByteSource } from '../../../gateway/content/reader.ts'
import { mountContents } from '../../../gateway/contents.ts'
import { createBaseUrl } from '../../../lib/api/base-url.ts'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import type { Session } from '../../../lib/node/session.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { openRig, type RigOptions } from '../../lib/node/node-rig.ts'

export const TRACKERS = ['http://tracker.test/announce', 'ws://tracker.test']

export interface ContentOptions extends RigOptions {
  readonly firstByteTimeoutMs?: number
  readonly writeTimeoutMs?: number
  readonly gatewayUrl?: string
  readonly mode?: 'closed' | 'signed'
  readonly maxResponses?: number
  readonly signingKeys?: readonly LinkKey[]
  readonly accel?: Accel
}

export async function openGateway(t: Test, options: ContentOptions = {}) {
  const rig = await openRig(t, options)
  const sent: Partial<Record<ByteSource, number>> = {}
  const counts = { firstBytes: 0, stalls: 0, opens: 0, seats: 0 }
  const firstByteTimeoutMs = options.firstByteTimeoutMs ?? 60_000
  const node = {
    holds: rig.node.holds,
    async open(...args: Parameters<typeof rig.node.open>) {
      counts.opens++
      return countingSeats(await rig.node.open(...args), counts)
    }
  }
  const app = createHttpApp({ log, isOpaque: isContentTarget })
  const files = mountContents(
    app,
    {
      url: options.gatewayUrl,
      mode: options.mode ?? 'closed',
      maxResponses: options.maxResponses ?? 4096,
      maxResponsesPerAddress: 256,
      accel: options.accel,
      firstByteTimeoutMs,
      writeTimeoutMs: options.writeTimeoutMs ?? 60_000,
      bufferBytes: 2 ** 26
    },
    {
      node,
      replica: rig.fleet,
      denylist: EMPTY_DENYLIST,
      openTorrents: undefined,
      isNear: () => false,
      signingKeys: createSigningKeys({ configured: options.signingKeys, replica: rig.fleet }),
      baseUrlOf: createBaseUrl(options.gatewayUrl),
      announceUrls: TRACKERS,
      log,
      metrics: {
        firstByte: () => void counts.firstBytes++,
        sent: (source, bytes) => {
          sent[source] = (sent[source] ?? 0) + bytes
        },
        stalled: () => void counts.stalls++
      }
    }
  )
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  t.teardown(() => closeHttpApp(app, 0))
  return { ...rig, app, port, url: `http://127.0.0.1:${port}`, files, sent, counts }
}

export type Gateway = Awaited<ReturnType<typeof openGateway>>

/** `counts.seats` is how many readers sit. */
function countingSeats(session: Session, counts: { seats: number }): Session {
  return new Proxy(session, {
    get(target, name, receiver) {
      if (name !== 'sit') return Reflect.get(target, name, receiver)
      return () => {
        const seat = target.sit()
        counts.seats++
        return {
          ...seat,
          leave() {
            counts.seats--
            seat.leave()
          }
        }
      }
    }
  })
}

export interface Got {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** One request on a connection of its own. Rejects when the body ends early. */
export function get(url: string, options: RequestOptions & { body?: string } = {}): Promise<Got> {
  const { body, ...rest } = options
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...rest }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode = 0, headers } = response
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks) })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** A bare connection to the gateway, for requests that a client would not make. */
export function dial(t: Test, port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => void socket.destroy())
  return socket
}
