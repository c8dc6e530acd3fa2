/** Published content for clients that have nothing but peers to take the bytes from. */
import { writeFile } from 'node:fs/promises'
import { decodeBencode, encodeBencode } from '../../core/bencode.ts'
import { eventually, fetchBytes, type Published } from './publish.ts'

type Links = Pick<Published, 'links'>

/**
 * Resolves when the tracker tells of a seeder: a client that came before it would hear of nobody,
 * and ask again only after the interval.
 */
export async function whenSeeded(tracker: string, { infoHash }: Published): Promise<void> {
  const query = infoHash.replace(/../g, '%$&')
  await eventually(async () => {
    const { bytes } = await fetchBytes(`${tracker}/scrape?info_hash=${query}`)
    return /8:completei[1-9]/.test(bytes.toString('latin1')) || undefined
  })
}

/** Writes the .torrent to `file` without its web seed, otherwise as it is served. */
export async function saveTorrent({ links }: Links, file: string): Promise<string> {
  const { bytes } = await fetchBytes(links.torrent)
  const torrent = decodeBencode(bytes)
  if (!(torrent instanceof Map) || !torrent.delete('url-list')) throw new Error('no web seed in it')
  await writeFile(file, encodeBencode(torrent))
  return file
}

/** The magnet without its web seed. */
export function peersOnly({ links }: Links): string {
  const parameters = links.magnet.trim().split('&')
  return parameters.filter((parameter) => !parameter.startsWith('ws=')).join('&')
}
