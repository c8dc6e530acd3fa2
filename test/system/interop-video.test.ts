/** ffmpeg and ffprobe play a real video from the gateway, whose index is at its end. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { run, without } from './clients.ts'
import { PLACES, publishAt } from './fleet.ts'
import { pathOf } from './publish.ts'

const SECONDS = 180
const skip = without('ffmpeg', 'ffprobe')

/** Three minutes of a test picture with a running clock; no two frames are the same. */
async function makeVideo(t: Test, file: string): Promise<Buffer> {
  const source = `testsrc=size=320x180:rate=10:duration=${SECONDS}`
  const codec = ['-c:v', 'mpeg4', '-q:v', '12', '-g', '50', '-pix_fmt', 'yuv420p']
  const args = ['-v', 'error', '-f', 'lavfi', '-i', source, ...codec, file]
  const { code, stderr } = await run(t, 'ffmpeg', args)
  t.equal(code, 0, stderr)
  const video = await readFile(file)
  t.ok(video.lastIndexOf('moov') > video.length / 2, 'its index is at the end')
  return video
}

/** The MD5 of one decoded frame of the last minute. */
async function frame(t: Test, input: string): Promise<string> {
  const seek = ['-v', 'error', '-ss', String(SECONDS - 30), '-i', input]
  const args = [...seek, '-frames:v', '1', '-an', '-f', 'md5', '-']
  const { code, stdout, stderr } = await run(t, 'ffmpeg', args)
  t.equal(code, 0, stderr)
  return stdout.toString().trim()
}

t.test('a video plays from the gateway', { skip }, async (t) => {
  const data = testFolder(t)
  const file = join(data, 'movie.mp4')
  const video = await makeVideo(t, file)
  const expected = await frame(t, file)
  t.match(expected, /^MD5=[0-9a-f]{32}$/)

  for (const [index, { where, install }] of PLACES.entries()) {
    await t.test(where, async (t) => {
      const site = await install(t, join(data, index === 0 ? 'together' : 'apart'))
      const url = site.gateway + pathOf(await publishAt(site, 'movie.mp4', video))
      t.equal(await frame(t, url), expected, 'a seek to the last minute, with nothing cached')

      const show = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'json', url]
      const { code, stdout, stderr } = await run(t, 'ffprobe', show)
      t.equal(code, 0, stderr)
      t.equal(Number(JSON.parse(stdout.toString()).format.duration), SECONDS)
    })
  }
})
