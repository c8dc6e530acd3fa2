/**
 * Parts that end by themselves in the middle of a download, a swarm thread or the process of
 * browsers' connections: readers wait a little at most, and nothing fails.
 */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { apart, publishAt, together } from './fleet.ts'
import type { Running } from './process.ts'
import { eventually, noise, pathOf } from './publish.ts'

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
    const metrics = await (await fetch(`${victim.addresses.admin}/metrics`)).text()
    t.match(metrics, 'swarmgate_swarm_engine_restarts_total 1\n', 'and it is counted')
  })
}

t.test('kill -9 of the process that holds browsers’ connections ends nothing else', async (t) => {
  const all = await together(t, testFolder(t))
  const bytes = noise(8 * 2 ** 20, 9)
  const torrent = await publishAt(all, 'movie.mp4', bytes)
  const first = await eventually(async () => childOf(all.front))
  const response = await fetch(all.gateway + pathOf(torrent))
  process.kill(first, 'SIGKILL')
  t.ok(Buffer.from(await response.arrayBuffer()).equals(bytes))
  await eventually(async () => {
    const next = childOf(all.front)
    return next === first ? undefined : next
  })
  t.equal(all.front.process.exitCode, null, 'it was started again, beside')
})

function childOf({ process: { pid } }: Running): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return children === '' ? undefined : Number(children.split(' ')[0])
}
