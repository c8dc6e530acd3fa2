/**
 * Chromium plays, seeks in and pauses a video whose index is at its end, from a gateway that has
 * nothing of it: it shows the right pictures, and a paused player costs the swarm its window.
 */
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { run, without } from './clients.ts'
import { apart, publishAt } from './fleet.ts'
import { freshGateway } from './fresh-gateway.ts'
import { pathOf } from './publish.ts'

const CHROMIUM = '/usr/bin/chromium'
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic']
const PATIENCE_MS = 300_000
const MIB = 2 ** 20
/** As far as a reader's window ever goes, and the pieces of the file's two ends. */
const WINDOW = 32 * MIB
const EDGES = 8 * MIB
const SECONDS = 60

const missing =
  without('ffmpeg') ||
  (await access(CHROMIUM).then(
    () => false as const,
    () => `no Chromium at ${CHROMIUM}`
  ))

/** A minute at 20 Mbit/s of noise behind a clock: far more than any buffer. */
async function makeVideo(t: Test, file: string): Promise<Buffer> {
  const source = `testsrc=size=1280x720:rate=24:duration=${SECONDS},noise=alls=100:allf=t`
  const rate = ['-b:v', '20M', '-maxrate', '20M', '-bufsize', '20M', '-g', '24']
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', ...rate, '-pix_fmt', 'yuv420p']
  const { code, stderr } = await run(t, 'ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', source, ...codec, file]
  ])
  t.equal(code, 0, stderr)
  const video = await readFile(file)
  t.ok(video.lastIndexOf('moov') > video.length / 2, 'its index is at the end')
  return video
}

async function openPage(t: Test): Promise<Page> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  return page
}

/** Where the video is, once it shows a picture at `condition`, an expression of `video`. */
async function whenVideo(page: Page, condition: string): Promise<number> {
  const failed = `if (video.error) throw new Error('MediaError ' + video.error.code + video.error.message)`
  const code = `(() => { const video = document.querySelector('video'); ${failed}; return ${condition} })()`
  await page.waitForFunction(code, undefined, { polling: 100 })
  return page.evaluate<number>(`document.querySelector('video').currentTime`)
}

const act = (page: Page, action: string) =>
  page.evaluate(`(async () => { const video = document.querySelector('video'); ${action} })()`)

t.test('Chromium plays, seeks and pauses', { skip: missing, timeout: 600_000 }, async (t) => {
  const data = testFolder(t)
  const video = await makeVideo(t, join(data, 'movie.mp4'))
  const page = await openPage(t)
  const fleet = await apart(t, join(data, 'data'))
  const published = await publishAt(fleet, 'movie.mp4', video)
  const gateway = await freshGateway(t, fleet, join(data, 'fresh'))
  const src = gateway.url + pathOf(published)
  await page.setContent(`<video muted preload="metadata" src="${src}"></video>`)
  await whenVideo(page, 'video.readyState >= 1')
  t.equal(await page.evaluate(`document.querySelector('video').duration`), SECONDS)

  await act(page, 'await video.play()')
  t.ok((await whenVideo(page, 'video.currentTime > 1 && !video.paused')) < SECONDS, 'it plays')
  await act(page, 'video.pause()')
  await isHeld(t, 'paused near the start', 1)

  const seeks = [50, 10, 30]
  for (const second of seeks) {
    await act(page, `video.currentTime = ${second}`)
    const at = await whenVideo(page, '!video.seeking && video.readyState >= 2')
    t.equal(at, second, `a seek to second ${second} shows its picture`)
  }
  await act(page, 'await video.play()')
  await whenVideo(page, 'video.currentTime > 30.5 && !video.paused')
  await act(page, 'video.pause()')
  await isHeld(t, 'paused after seeking', 1 + seeks.length)

  /** What comes stops, at what was read and a window for each place that was read from. */
  async function isHeld(t: Test, when: string, places: number): Promise<void> {
    const fetched = await settled()
    const answered = await gateway.answered()
    t.comment(`${when}: ${fetched} bytes came, ${answered} were read, of ${video.length}`)
    t.ok(fetched <= answered + places * WINDOW + EDGES, `${when}: no more than windows`)
  }

  /** Bytes that came, once for two seconds no more did. */
  async function settled(): Promise<number> {
    for (let before = -1; ; await delay(2000)) {
      const fetched = await gateway.fetched()
      if (fetched === before) return fetched
      before = fetched
    }
  }
})
