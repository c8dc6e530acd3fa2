/** Downloads by curl, wget and aria2c as people resume and repeat them, through a cold gateway. */
import { once } from 'node:events'
import { readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { freePort, run, without } from './clients.ts'
import { apart, publishAt } from './fleet.ts'
import { freshGateway } from './fresh-gateway.ts'
import { eventually, noise, pathOf, sha256 } from './publish.ts'

const MIB = 2 ** 20
const SIZE = 17 * MIB + 5
const bytes = noise(SIZE, 51)
const NAME = 'Film – 2.bin'
const PATIENT = ['-sS', '--max-time', '250']

/** curl, with what it printed about the answer. */
async function curl(t: Test, args: readonly string[]) {
  const shown = '%{http_code} %{size_download} %{num_connects}'
  const { code, stdout, stderr } = await run(t, 'curl', [...PATIENT, '-w', shown, ...args])
  t.equal(code, 0, stderr)
  return stdout.toString()
}

t.test('downloads through a cold gateway', async (t) => {
  const data = testFolder(t)
  const at = (name: string) => join(data, name)
  const fleet = await apart(t, at('data'))
  const published = await publishAt(fleet, NAME, bytes)
  const path = pathOf(published)
  const digestOf = async (name: string) => sha256(await readFile(at(name)))
  const cold = async (name: string) => (await freshGateway(t, fleet, at(name))).url + path
  const url = fleet.gateway + path

  await t.test('curl -r, each form', { skip: without('curl') }, async (t) => {
    for (const [range, ...spans] of [
      ['0-0', [0, 1]],
      ['5-4000000', [5, 4_000_001]],
      [`${SIZE - 1}-`, [SIZE - 1, SIZE]],
      ['-1', [SIZE - 1, SIZE]],
      [`-${SIZE}`, [0, SIZE]],
      [`${SIZE - 10}-${SIZE + 10}`, [SIZE - 10, SIZE]]
    ] as [string, [number, number]][]) {
      const { code, stdout } = await run(t, 'curl', ['-fsS', '-r', range, url])
      const [[start, end]] = spans as [[number, number]]
      t.equal(code, 0, range)
      t.ok(stdout.equals(bytes.subarray(start, end)), range)
    }
    const several = await run(t, 'curl', ['-fsS', '-r', '0-9,1000000-2000000,-7', url])
    for (const [start, end] of [
      [0, 10],
      [1_000_000, 2_000_001],
      [SIZE - 7, SIZE]
    ] as const) {
      const head = `content-range: bytes ${start}-${end - 1}/${SIZE}\r\n\r\n`
      const begin = several.stdout.indexOf(head) + head.length
      t.ok(several.stdout.subarray(begin, begin + end - start).equals(bytes.subarray(start, end)))
    }
    const beyond = await run(t, 'curl', ['-fsS', '-r', `${SIZE}-`, url])
    t.match([beyond.code, beyond.stderr], [22, /416/])
  })

  await t.test('curl -C - of a whole file adds nothing', { skip: without('curl') }, async (t) => {
    await writeFile(at('whole'), bytes)
    const again = await run(t, 'curl', [...PATIENT, '-C', '-', '-o', at('whole'), '-v', url])
    t.match(again.stderr, / 416 /)
    t.equal(await digestOf('whole'), sha256(bytes))
  })

  await t.test('curl repeats nothing that it has', { skip: without('curl') }, async (t) => {
    const [file, tag] = [at('kept'), at('kept.etag')]
    const args = ['--etag-save', tag, '--etag-compare', tag, '-R', '-o', file, url]
    t.equal(await curl(t, args), `200 ${SIZE} 1`)
    t.equal((await readFile(tag, 'utf8')).trim(), `"${published.infoHash}.0"`)
    t.equal(await curl(t, args), '304 0 1')
    t.equal(await digestOf('kept'), sha256(bytes))
    const { mtime } = await stat(file)
    const head = await fetch(url, { method: 'HEAD' })
    t.equal(mtime.toUTCString(), head.headers.get('last-modified'), '-R takes the time over')
    t.equal(await curl(t, ['-z', file, '-o', file, url]), '304 0 1', '-z by the time of a file')
    t.equal(await curl(t, ['-z', '1 Jan 2020', '-o', at('z'), url]), `200 ${SIZE} 1`)
    t.equal(await curl(t, ['-z', '-1 Jan 2020', '-o', at('older'), url]), '412 0 1')
    t.equal(await digestOf('z'), sha256(bytes))
  })

  await t.test(
    'curl fetches many parts over one connection',
    { skip: without('curl') },
    async (t) => {
      const parts = Array.from(
        { length: 12 },
        (_, k) => [k * 1_400_000, (k + 1) * 1_400_000] as const
      )
      const args = parts.flatMap(([start, end], k) => [
        ...(k === 0 ? [] : ['--next']),
        ...['-sS', '-w', '%{http_code} %{num_connects} ', '-r', `${start}-${end - 1}`],
        ...['-o', at(`part ${k}`), url]
      ])
      const { code, stdout } = await run(t, 'curl', args)
      t.equal(code, 0)
      t.equal(stdout.toString(), `206 1 ${'206 0 '.repeat(11)}`)
      const files = await Promise.all(parts.map((_, k) => readFile(at(`part ${k}`))))
      t.ok(Buffer.concat(files).equals(bytes.subarray(0, 12 * 1_400_000)))
    }
  )

  await t.test(
    'wget -c goes on, and has enough when all is there',
    { skip: without('wget') },
    async (t) => {
      const from = await cold('for wget')
      await writeFile(at('wget.bin'), bytes.subarray(0, 5 * MIB + 1))
      for (const status of [/206 Partial Content/, /416 /]) {
        const { code, stderr } = await run(t, 'wget', ['-c', '-S', '-O', at('wget.bin'), from])
        t.equal(code, 0, stderr.slice(-500))
        t.match(stderr, status)
        t.equal(await digestOf('wget.bin'), sha256(bytes))
      }
      const stamped = ['-N', '-S', '-P', at('stamped'), from]
      t.match((await run(t, 'wget', stamped)).stderr, /200 OK/)
      t.match((await run(t, 'wget', stamped)).stderr, /304 Not Modified|not retrieving/)
      const old = new Date(0)
      await utimes(join(at('stamped'), NAME), old, old)
      t.match((await run(t, 'wget', stamped)).stderr, /200 OK/)
      t.equal(sha256(await readFile(join(at('stamped'), NAME))), sha256(bytes))
    }
  )

  await t.test('aria2c in 16 parts over 16 connections', { skip: without('aria2c') }, async (t) => {
    const from = await cold('for aria2c')
    const port = await freePort()
    const { code, stdout } = await run(t, 'aria2c', [
      ...['--no-conf', '-x16', '-s16', '-k1M', '--file-allocation=none', `--listen-port=${port}`],
      ...['--enable-dht=false', `--dir=${data}`, '--out=aria2.bin', from]
    ])
    t.equal(code, 0, stdout.toString().slice(-500))
    t.equal(await digestOf('aria2.bin'), sha256(bytes))
  })

  await t.test('a download of what is unpublished meanwhile is cut off', async (t) => {
    const request = get(url, { agent: false }).on('error', () => {})
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const outcome = new Promise((resolve) => {
      response.once('error', resolve).once('end', () => resolve('it looks complete'))
    })
    await once(response, 'readable')
    const { status } = await fetch(published.links.self, { method: 'DELETE' })
    t.equal(status, 204)
    await eventually(async () => (await fetch(url)).status === 410 || undefined)
    response.resume()
    t.match(await outcome, { code: 'ECONNRESET' })
    t.equal((await fetch(`${fleet.gateway}/`)).status, 200, 'and the gateway lives')
  })
})
