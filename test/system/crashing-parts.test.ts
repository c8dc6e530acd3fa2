/** A swarm thread that ends in the middle of a download: readers wait a little, and nothing fails. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { apart, publishAt } from './fleet.ts'
import { noise, pathOf } from './publish.ts'

const HOOK = new URL('./thread-crash.ts', import.meta.url)

for (const role of ['gateway', 'seeder'] as const) {
  t.test(`a download survives the end of the ${role}’s swarm thread`, async (t) => {
    const folder = testFolder(t)
    const fleet = await apart(t, folder, {
      NODE_OPTIONS: `--import ${HOOK}`,
      THREAD_CRASH_FOLDER: folder,
      SWARMGATE_WIRE_UPLOAD_RATE: '8MiB'
    })
    const bytes = noise(16 * 2 ** 20, 8)
    const torrent = await publishAt(fleet, 'movie.mp4', bytes)
    const victim = role === 'gateway' ? fleet.front : fleet.seeder
    const response = await fetch(fleet.gateway + pathOf(torrent))
    const parts: Uint8Array[] = []
    for await (const part of response.body ?? []) {
      if (parts.length === 0) {
        await writeFile(join(folder, String(victim.process.pid)), '')
        await victim.line(({ msg }) => msg === 'swarm engine ended; it is started again')
      }
      parts.push(part)
    }
    t.ok(Buffer.concat(parts).equals(bytes), 'byte for byte')
    t.equal(victim.process.exitCode, null)
  })
}
