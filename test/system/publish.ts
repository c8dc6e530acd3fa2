/** What every system test does with a gateway: publish bytes, fetch them, compare them. */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

export interface Published {
  readonly infoHash: string
  readonly name: string
  readonly size: number
  readonly replicas: { readonly wanted: number; readonly ready: number }
  readonly links: {
    readonly gateway: string
    readonly torrent: string
    readonly magnet: string
    readonly self: string
  }
}

/** PUTs a file and returns the torrent object; throws with the problem otherwise. */
export async function publish(
  gateway: string,
  name: string,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>> = {}
): Promise<Published> {
  const response = await fetch(`${gateway}/v1/files/${encodeURIComponent(name)}`, {
    method: 'PUT',
    body: Buffer.from(bytes),
    headers
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  return JSON.parse(text)
}

/** The path of a published file below any gateway. */
export function pathOf({ infoHash, name }: Pick<Published, 'infoHash' | 'name'>): string {
  return `/${infoHash}/${encodeURIComponent(name)}`
}

export async function fetchBytes(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers })
  return { response, bytes: Buffer.from(await response.arrayBuffer()) }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Bytes that look random and are the same in every run. */
export function noise(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  let state = seed >>> 0 || 1
  for (let at = 0; at + 4 <= size; at += 4) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes.writeInt32LE(state, at)
  }
  return bytes
}

/** Asks again until `ask` gives something; the test's own timeout is the deadline. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await delay(50)
  }
}
