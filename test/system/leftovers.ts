/** What uploads that came to nothing have left on a seeder's disk. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Installation } from './fleet.ts'

/** Entries of the folder of uploads in the making, and of the trash it is emptied through. */
export async function leftovers(site: Pick<Installation, 'seederFolder'>): Promise<string[]> {
  const folders = ['staging', 'trash'].map((name) => join(site.seederFolder, name))
  return (await Promise.all(folders.map((folder) => readdir(folder)))).flat()
}

/** Names of the torrents that a seeder's library has: whole, or being fetched. */
export async function stored(site: Pick<Installation, 'seederFolder'>): Promise<string[]> {
  const folders = ['library', 'incomplete'].map((name) => join(site.seederFolder, name))
  return (await Promise.all(folders.map((folder) => readdir(folder)))).flat()
}
