/** Drafts of torrents for tests: small, distinct, and their info dictionaries are real. */
import { infoHashOf } from '../../core/info-hash.ts'
import type { EntryDraft, NodeRegistration } from '../../lib/control/control.ts'

export interface Torrent {
  readonly draft: EntryDraft
  readonly info: Uint8Array
}

/** A torrent of one file called `name`. */
export function torrentOf(name: string, changed: Partial<EntryDraft> = {}): Torrent {
  const size = changed.size ?? 1000
  const info = Buffer.from(
    `d6:lengthi${size}e4:name${Buffer.byteLength(name)}:${name}12:piece lengthi262144e6:pieces0:e`
  )
  const file = { index: 0, path: name, size, sha256: 'ab'.repeat(32), crc32: 0xffffffff }
  const draft = { infoHash: infoHashOf(info), name, size, single: true, files: [file] }
  return { draft: { ...draft, replicas: null, ...changed }, info }
}

/** The id of node `n`. */
export function nodeId(n: number): string {
  return n.toString(16).padStart(32, '0')
}

/** What a seeder with room says of itself. */
export function seeder(n: number, changed: Partial<NodeRegistration> = {}): NodeRegistration {
  return {
    id: nodeId(n),
    roles: ['seeder'],
    wire: [`10.0.0.${n}:6881`],
    ingestUrl: `http://10.0.0.${n}:8081`,
    zone: 'default',
    capacityBytes: 2 ** 40,
    freeBytes: 2 ** 39,
    draining: false,
    wantsKey: false,
    ...changed
  }
}
