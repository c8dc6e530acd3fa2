/** nginx in front of a gateway, which keeps slices of what it served: the very bytes, each once. */
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { freePort, launchClient, without } from './clients.ts'
import { publishAt, together } from './fleet.ts'
import { eventually, fetchBytes, noise, pathOf } from './publish.ts'

const MIB = 2 ** 20
const SIZE = 9 * MIB + 123
const SLICE = MIB

/** Starts nginx with `gateway` behind it; returns its base URL. */
async function startNginx(t: Test, folder: string, gateway: string): Promise<string> {
  const port = await freePort()
  await mkdir(folder)
  // Its workers are nobody, and write here.
  await chmod(folder, 0o777)
  const config = join(folder, 'nginx.conf')
  await writeFile(config, configOf(folder, gateway, port))
  const nginx = launchClient(t, 'nginx', ['-c', config, '-p', folder])
  const url = `http://127.0.0.1:${port}`
  const died = once(nginx, 'exit').then(([code]) => {
    throw new Error(`nginx exited with ${code}`)
  })
  died.catch(() => {})
  await Promise.race([died, eventually(() => fetchBytes(`${url}/ready`).catch(() => undefined))])
  return url
}

function configOf(folder: string, gateway: string, port: number): string {
  return `daemon off; master_process off; worker_processes 1;
pid ${folder}/pid; error_log ${folder}/error.log; user root;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  proxy_cache_path ${folder}/cache keys_zone=content:1m max_size=1g use_temp_path=off;
  server {
    listen 127.0.0.1:${port};
    location = /ready { return 204; }
    location / {
      slice ${SLICE};
      proxy_cache content;
      proxy_cache_key $uri$is_args$args$slice_range;
      proxy_cache_valid 200 206 1h;
      proxy_set_header Range $slice_range;
      proxy_set_header Host $http_host;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass ${gateway};
      add_header X-Cache $upstream_cache_status;
    }
  }
}
`
}

/** Spans of a file in no order, some within a slice, some over the edges of several. */
function spansOf(seed: number): [number, number][] {
  const random = noise(4 * 48, seed)
  const at = (index: number) => random.readUInt32LE(4 * index) % SIZE
  const spans = Array.from({ length: 20 }, (_, k): [number, number] => {
    const start = at(2 * k)
    const length = 1 + (at(2 * k + 1) % (k % 2 === 0 ? 5000 : 3 * MIB))
    return [start, Math.min(SIZE, start + length)]
  })
  return [[0, 1], [SLICE - 1, SLICE + 1], [SLICE, 2 * SLICE], [SIZE - 1, SIZE], ...spans]
}

t.test('nginx with slices in front', { skip: without('nginx') }, async (t) => {
  const data = testFolder(t)
  const site = await together(t, join(data, 'data'))
  const bytes = noise(SIZE, 41)
  const published = await publishAt(site, 'movie.mp4', bytes)
  const url = (await startNginx(t, join(data, 'nginx'), site.gateway)) + pathOf(published)
  const etag = `"${published.infoHash}.0"`

  for (const seed of [42, 43]) {
    await t.test(`random ranges are those of the file, seed ${seed}`, async (t) => {
      for (const [start, end] of spansOf(seed)) {
        const range = `bytes=${start}-${end - 1}`
        const got = await fetchBytes(url, { range })
        t.equal(got.response.status, 206, range)
        t.equal(got.response.headers.get('content-range'), `bytes ${start}-${end - 1}/${SIZE}`)
        t.equal(got.response.headers.get('etag'), etag)
        t.ok(got.bytes.equals(bytes.subarray(start, end)), range)
      }
    })
  }

  await t.test('the whole file is the file, and the second time all of it is kept', async (t) => {
    const first = await fetchBytes(url)
    t.ok(first.bytes.equals(bytes))
    t.equal(first.response.status, 200)
    await site.front.stop()
    const second = await fetchBytes(url)
    t.ok(second.bytes.equals(bytes), 'with the gateway gone')
    t.match(Object.fromEntries(second.response.headers), {
      'x-cache': 'HIT',
      etag,
      'content-length': String(SIZE)
    })
    for (const [start, end] of spansOf(44)) {
      const got = await fetchBytes(url, { range: `bytes=${start}-${end - 1}` })
      t.equal(got.response.headers.get('x-cache'), 'HIT')
      t.ok(got.bytes.equals(bytes.subarray(start, end)))
    }
    const beyond = await fetchBytes(url, { range: `bytes=${SIZE}-` })
    t.equal(beyond.response.status, 416)
    const known = await fetchBytes(url, { 'if-none-match': etag })
    t.equal(known.response.status, 304)
  })
})
