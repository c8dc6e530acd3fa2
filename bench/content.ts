/** Files to publish, and the .torrent of what was published, for peers that get nothing else. */
import { randomBytes } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeBencode, encodeBencode } from '../core/bencode.ts'
import { type Metainfo, parseInfo } from '../core/metainfo.ts'

const BLOCK = 2 ** 22

/** Writes a file that no other run has; returns its path. */
export async function writeRandom(folder: string, name: string, size: number): Promise<string> {
  const path = join(folder, name)
  const file = await open(path, 'w')
  try {
    const block = randomBytes(Math.min(BLOCK, size))
    for (let written = 0; written < size; written += block.length) {
      block.writeUInt32LE(written / block.length, 0)
      await file.write(block, 0, Math.min(block.length, size - written))
    }
  } finally {
    await file.close()
  }
  return path
}

export interface WireTorrent {
  readonly metainfo: Metainfo
  /** Path of a .torrent without trackers and web seeds. */
  readonly file: string
}

/** Saves the torrent that a gateway serves at `url`, its info dictionary alone, in `folder`. */
export async function saveTorrent(url: string, folder: string): Promise<WireTorrent> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  const served = decodeBencode(new Uint8Array(await response.arrayBuffer()))
  const info = served instanceof Map ? served.get('info') : undefined
  if (info === undefined) throw new Error(`${url} is no torrent`)
  const metainfo = parseInfo(encodeBencode(info))
  const file = join(folder, `${metainfo.infoHash}.torrent`)
  await writeFile(file, encodeBencode({ info }))
  return { metainfo, file }
}
