/**
 * ffprobe and ffmpeg read the index of a video and seek in it through a gateway that has nothing
 * of it yet: what comes over the wire is what they asked for and a window, not the video.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { run, without } from './clients.ts'
import { apart, publishAt } from './fleet.ts'
import { type FreshGateway, freshGateway } from './fresh-gateway.ts'
import { pathOf } from './publish.ts'

const SECONDS = 60
const VIDEOS = [
  { name: 'movie.mp4', index: 'its index at the end' },
  { name: 'movie.mkv', index: 'its index at the end too' }
]

/** About 40 MiB: noise compresses badly. */
async function makeVideo(t: Test, file: string): Promise<Buffer> {
  const source = `testsrc=size=640x360:rate=10:duration=${SECONDS},noise=alls=60:allf=t`
  const codec = ['-c:v', 'mpeg4', '-b:v', '6M', '-g', '20', '-pix_fmt', 'yuv420p', '-threads', '1']
  const args = ['-v', 'error', '-f', 'lavfi', '-i', source, ...codec, file]
  const { code, stderr } = await run(t, 'ffmpeg', args)
  t.equal(code, 0, stderr)
  return readFile(file)
}

/** The MD5 of the first decoded frame from a second on. */
async function frame(t: Test, second: number, input: string): Promise<string> {
  const seek = ['-v', 'error', '-ss', String(second), '-i', input]
  const { code, stdout, stderr } = await run(t, 'ffmpeg', [
    ...seek,
    '-frames:v',
    '1',
    '-f',
    'md5',
    '-'
  ])
  t.equal(code, 0, stderr)
  return stdout.toString().trim()
}

for (const { name, index } of VIDEOS) {
  const skip = without('ffmpeg', 'ffprobe')
  t.test(`seeking in ${name} fetches little of it, ${index}`, { skip }, async (t) => {
    const data = testFolder(t)
    const file = join(data, name)
    const video = await makeVideo(t, file)
    t.comment(`${video.length} bytes`)
    const fleet = await apart(t, join(data, 'data'))
    const published = await publishAt(fleet, name, video)
    for (const second of [SECONDS - 5, 20]) {
      const expected = await frame(t, second, file)
      const gateway = await freshGateway(t, fleet, join(data, String(second)))
      const url = gateway.url + pathOf(published)
      t.equal(await frame(t, second, url), expected, `a frame of second ${second}`)
      await isLittle(t, gateway, video.length)
    }
    const gateway = await freshGateway(t, fleet, join(data, 'probe'))
    const show = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'json']
    const url = gateway.url + pathOf(published)
    const { code, stdout, stderr } = await run(t, 'ffprobe', [...show, url])
    t.equal(code, 0, stderr)
    t.equal(Math.round(Number(JSON.parse(stdout.toString()).format.duration)), SECONDS)
    await isLittle(t, gateway, video.length)
  })
}

async function isLittle(t: Test, gateway: FreshGateway, size: number): Promise<void> {
  const [fetched, answered] = [await gateway.fetched(), await gateway.answered()]
  const tally = `${fetched} bytes came over the wire, ${answered} were read, of ${size}`
  t.ok(fetched < size / 4, tally)
  await gateway.process.stop()
}
