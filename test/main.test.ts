/** The program as a process: how it refuses to start, and how it ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { testFolder } from './fakes/test-folder.ts'
import { dial, get } from './gateway/content/content-rig.ts'
import { readUntil } from './lib/http/exchange.ts'
import { launch, ROOT, start } from './system/process.ts'
import { noise, pathOf, publish } from './system/publish.ts'

interface Ended {
  readonly out: string
  readonly err: string
  readonly code: number
}

/** Runs the program to its end. */
async function run(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {}
): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SWARMGATE|TAP)_/.test(name))
  const child = spawn(process.execPath, ['main.ts', ...args], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), NODE_OPTIONS: '', ...settings }
  })
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit')
  ])
  return { out, err, code }
}

t.test('what is wrong with the settings is one line that names it', async (t) => {
  const secret = { SWARMGATE_CLUSTER_SECRET: 'a-secret-of-the-test' }
  const cases = [
    [[], { SWARMGATE_GATEWAY_PROT: '1' }, 1, /SWARMGATE_GATEWAY_PROT .*SWARMGATE_GATEWAY_PORT/],
    [[], { SWARMGATE_GATEWAY_PORT: 'x' }, 1, /SWARMGATE_GATEWAY_PORT .*"x"/],
    [[], { SWARMGATE_TRACKER_PORT: 'tcp://10.0.0.1:8000' }, 1, /enableServiceLinks/],
    [['seeder'], {}, 1, /SWARMGATE_CLUSTER_SECRET must be set/],
    [['gateway'], { ...secret, SWARMGATE_CLUSTER_SECRET: '' }, 1, /SWARMGATE_CLUSTER_SECRET/],
    [['sedeer'], secret, 2, /sedeer.*--help/]
  ] as const
  const runs = cases.map(([args, settings]) => run(args, settings))
  for (const [index, [, , code, line]] of cases.entries()) {
    const ended = (await runs[index]) as Ended
    t.equal(ended.code, code, ended.err)
    t.match(ended.err, line)
    t.match(ended.err, /^swarmgate: [^\n]+\n$/, 'one line')
    t.equal(ended.out, '')
  }
})

t.test('help and settings go to standard output', async (t) => {
  const help = await run(['--help'])
  t.match(help, { code: 0, err: '', out: /^Usage: node main\.ts/ })
  const config = await run(['config'], { SWARMGATE_API_KEYS: 'a-very-secret-key-of-ours' })
  t.match(config, { code: 0, err: '', out: /SWARMGATE_GATEWAY_PORT/ })
  t.notMatch(config.out, 'a-very-secret-key-of-ours')
})

t.test('a taken port and a taken data folder end the start in one line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const ports = {
    SWARMGATE_GATEWAY_PORT: '0',
    SWARMGATE_TRACKER_PORT: '0',
    SWARMGATE_WIRE_PORT: '0',
    SWARMGATE_ADMIN_PORT: '0',
    SWARMGATE_SWARM_WORKERS: '1',
    SWARMGATE_LOG_LEVEL: 'error'
  }
  const names = ['GATEWAY', 'TRACKER', 'WIRE', 'ADMIN']
  const folders = testFolder(t, Object.fromEntries([...names, 'shared'].map((name) => [name, {}])))
  const runs = names.map((name) => {
    const setting = { [`SWARMGATE_${name}_PORT`]: String(port) }
    return run([], { ...ports, SWARMGATE_DATA_DIR: `${folders}/${name}`, ...setting })
  })
  for (const [index, name] of names.entries()) {
    const ended = (await runs[index]) as Ended
    t.equal(ended.code, 1, name)
    t.match(ended.err, new RegExp(`^swarmgate: [^\\n]*${port}[^\\n]*\\n$`), ended.err)
  }

  const data = `${folders}/shared`
  await start(t, { SWARMGATE_DATA_DIR: data })
  const second = await run([], { ...ports, SWARMGATE_DATA_DIR: data })
  t.equal(second.code, 1)
  t.match(second.err, /^swarmgate: the data folder [^\n]+ is in use by another process\n$/)
})

t.test('SIGTERM lets a running download finish, refuses new work and exits 0', async (t) => {
  const running = await start(t, { SWARMGATE_DATA_DIR: testFolder(t) })
  const { gateway = '', admin } = running.addresses
  t.equal((await get(`${admin}/health/ready`)).status, 200)
  t.match(JSON.parse((await get(`${admin}/health/ready`)).body.toString()), {
    ready: true,
    feed: 'following'
  })
  const bytes = noise(24 * 2 ** 20, 11)
  const torrent = await publish(gateway, 'large.bin', bytes)
  const client = dial(t, Number(new URL(gateway).port))
  client.write(`GET ${pathOf(torrent)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  const first = await readUntil(client, (raw) => raw.includes('\r\n\r\n'))
  client.pause()
  const stopped = running.stop()
  await running.line(({ msg }) => msg === 'stopping')
  const ready = await get(`${admin}/health/ready`)
  t.equal(ready.status, 503)
  t.equal((await get(`${admin}/health/live`)).status, 200, 'it must not be killed')
  await t.rejects(get(`${gateway}/`), 'nothing new is accepted')
  const head = first.slice(0, first.indexOf('\r\n\r\n') + 4)
  let received = first.length - head.length
  client.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  client.resume()
  await once(client, 'close')
  t.match(head, /^HTTP\/1\.1 200 /)
  t.equal(received, bytes.length)
  t.equal(await stopped, 0)
})

t.test('SIGTERM while it waits for its tracker ends the start with 0', async (t) => {
  const hanging = createServer(() => {}).listen(0, '127.0.0.1')
  await once(hanging, 'listening')
  t.teardown(() => {
    hanging.closeAllConnections()
    hanging.close()
  })
  const { port } = hanging.address() as AddressInfo
  const asked = once(hanging, 'request')
  const running = launch(
    t,
    {
      SWARMGATE_DATA_DIR: testFolder(t),
      SWARMGATE_CLUSTER_SECRET: 'a-secret-of-the-test',
      SWARMGATE_TRACKER_URL: `http://127.0.0.1:${port}`
    },
    'gateway'
  )
  await asked
  t.equal(await running.stop(), 0)
})
