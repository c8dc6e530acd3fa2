/** A raw HTTP client of the tracker: sends the request target as it is given. */
import { request } from 'node:http'
import { type BencodeDict, type BencodeValue, decodeBencode } from '../../../core/bencode.ts'

export interface HttpAnswer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Buffer
}

export function get(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; localAddress?: string } = {}
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path, agent: false, ...options },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, body: Buffer.concat(chunks) })
        })
      }
    )
    sent.on('error', reject)
    sent.end()
  })
}

/** An announce; `extra` is appended to the query as it is. */
export async function announceHttp(
  port: number,
  peer: { infoHash: string; port: number; left?: number; event?: string; extra?: string },
  options: { localAddress?: string } = {}
): Promise<BencodeDict> {
  const { infoHash, left = 1, event, extra = '' } = peer
  const peerId = percent(Buffer.from(`-XX0001-${String(peer.port).padStart(12, '0')}`))
  const about = `info_hash=${percent(Buffer.from(infoHash, 'hex'))}&peer_id=${peerId}`
  const state = `port=${peer.port}&left=${left}${event === undefined ? '' : `&event=${event}`}`
  const { body } = await get(port, `/announce?${about}&${state}&compact=1${extra}`, options)
  return dict(decodeBencode(body))
}

export function percent(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').replace(/../g, '%$&')
}

export function dict(value: BencodeValue | undefined): BencodeDict {
  if (value instanceof Map) return value
  throw new Error('not a dictionary')
}

export function bytes(value: BencodeValue | undefined): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value)
  throw new Error('not a byte string')
}

/** `a.b.c.d:port` of each compact IPv4 entry, sorted. */
export function compactPeers(value: BencodeValue | undefined): string[] {
  const entries = bytes(value)
  const peers: string[] = []
  for (let at = 0; at < entries.length; at += 6) {
    peers.push(`${[...entries.subarray(at, at + 4)].join('.')}:${entries.readUInt16BE(at + 4)}`)
  }
  return peers.sort()
}
