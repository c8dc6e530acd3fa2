import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import * as rules from './architecture-rules.ts'

const TOP = join(import.meta.dirname, '..')
const run = promisify(execFile)

async function sourcesIn(...folders: string[]): Promise<rules.Source[]> {
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(join(TOP, folder), { recursive: true, withFileTypes: true })
      const files = entries.filter((entry) => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
      return files.map((file) => join(file.parentPath, file.name).slice(TOP.length + 1))
    })
  )
  return readAll(lists.flat().toSorted())
}

function readAll(paths: readonly string[]): Promise<rules.Source[]> {
  return Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(TOP, path), 'utf8') }))
  )
}

const product = [...(await sourcesIn(...rules.PRODUCT)), ...(await readAll(['main.ts']))]
const tests = await sourcesIn('test', 'bench')
const manifest = JSON.parse(await readFile(join(TOP, 'package.json'), 'utf8'))
const declared: string[] = Object.keys(manifest.dependencies)

/** Holds for every product file. */
function holds(t: Test, check: (source: rules.Source) => string[]): void {
  t.same(product.flatMap(check), [])
}

t.test('the tree is there', async (t) => {
  for (const layer of rules.PRODUCT) {
    t.ok(
      product.some(({ path }) => path.startsWith(`${layer}/`)),
      layer
    )
  }
})

t.test('imports go from main to roles to lib to core, and never sideways', async (t) => {
  holds(t, rules.wrongDirections)
})

t.test('core is pure', async (t) => holds(t, rules.impurities))

t.test('libraries are imported at home only, and every one is declared', async (t) => {
  holds(t, (source) => rules.strayLibraries(source, declared))
})

t.test('only lib/config reads the environment', async (t) => holds(t, rules.strayEnvironment))

t.test(`no file is longer than ${rules.MAX_LINES} lines`, async (t) => holds(t, rules.tooLong))

t.test('no type lies and no work is put off', async (t) => holds(t, rules.forbiddenWords))

t.test('every file names a thing', async (t) => holds(t, rules.namelessFiles))

t.test('no test is switched off or alone', async (t) => {
  t.same(tests.flatMap(rules.testLeftovers), [])
})

t.test('the first import of main.ts sets the size of the thread pool', async (t) => {
  const [main] = await readAll(['main.ts'])
  t.equal(rules.importsOf(main?.text ?? '')[0]?.specifier, './lib/process/thread-pool.ts')
  t.match(main?.text, /^import '\.\/lib\/process\/thread-pool\.ts'$/m)
})

t.test('docs/configuration.md is what the declarations say', async (t) => {
  const { stdout } = await run(process.execPath, ['main.ts', 'config', '--markdown'], {
    cwd: TOP,
    env: { PATH: process.env.PATH }
  })
  t.equal(await readFile(join(TOP, 'docs/configuration.md'), 'utf8'), stdout)
})

t.test('the checks would find what they look for', async (t) => {
  const source = (path: string, text: string) => ({ path, text })
  const found = (check: (source: rules.Source) => string[], path: string, ...texts: string[]) => {
    for (const text of texts) t.equal(check(source(path, text)).length, 1, `${path}: ${text}`)
  }
  const clean = (check: (source: rules.Source) => string[], path: string, ...texts: string[]) => {
    for (const text of texts) t.same(check(source(path, text)), [], `${path}: ${text}`)
  }

  const { wrongDirections, impurities, strayEnvironment, tooLong, forbiddenWords } = rules
  found(wrongDirections, 'core/a.ts', "import { b } from '../lib/b.ts'", "import '../lib/b.ts'")
  found(wrongDirections, 'lib/x/a.ts', "export * from '../../tracker/b.ts'")
  found(wrongDirections, 'gateway/a.ts', "import type { B } from '../seeder/b.ts'")
  found(wrongDirections, 'gateway/a.ts', "const b = await import('../seeder/b.ts')")
  found(wrongDirections, 'seeder/a.ts', "new URL('../tracker/worker.ts', import.meta.url)")
  found(wrongDirections, 'lib/x/a.ts', "import {\n  b,\n  c\n} from '../../main.ts'")
  found(wrongDirections, 'lib/a.ts', "import { b } from '../test/b.ts'")
  clean(wrongDirections, 'main.ts', "import { b } from './seeder/b.ts'")
  clean(
    wrongDirections,
    'seeder/x/a.ts',
    "import { b } from '../../lib/b.ts'",
    "import b from '../b.ts'"
  )
  clean(wrongDirections, 'core/a.ts', "// import { b } from '../lib/b.ts'")

  found(impurities, 'core/a.ts', "import { readFile } from 'node:fs'", "import pino from 'pino'")
  found(impurities, 'core/a.ts', 'const now = Date.now()', 'Math.random()', 'process.pid')
  clean(
    impurities,
    'core/a.ts',
    "import { createHash } from 'node:crypto'",
    '/* Date.now() */',
    '"fetch("'
  )
  clean(impurities, 'lib/a.ts', 'Date.now()')

  const stray = (source: rules.Source) =>
    rules.strayLibraries(source, ['webtorrent', 'pino', '@a/b'])
  found(
    stray,
    'gateway/a.ts',
    "import WebTorrent from 'webtorrent'",
    "import type { T } from 'webtorrent'"
  )
  found(stray, 'gateway/a.ts', "import { pino } from 'pino'", "import { x } from 'undeclared/sub'")
  clean(
    stray,
    'lib/swarm/webtorrent/a.ts',
    "import Wire from 'bittorrent-protocol'",
    "import x from 'webtorrent/lib/torrent.js'"
  )
  clean(
    stray,
    'gateway/a.ts',
    "import type { Logger } from 'pino'",
    "import { c } from '@a/b/c'",
    "import { x } from 'node:http'"
  )

  found(strayEnvironment, 'lib/http/a.ts', 'const { HOME } = process.env', 'process?.env.X')
  clean(strayEnvironment, 'lib/config/load.ts', 'process.env')
  clean(strayEnvironment, 'lib/http/a.ts', '// process.env', "'process.env'")

  found(tooLong, 'lib/a.ts', 'x\n'.repeat(301))
  clean(tooLong, 'lib/a.ts', 'x\n'.repeat(300))

  found(forbiddenWords, 'lib/a.ts', 'let a: any', 'f(x as any)', 'Map<string, any>', 'type A = any')
  found(
    forbiddenWords,
    'lib/a.ts',
    'x as unknown as Y',
    '// @ts-ignore',
    '/* TODO later */',
    'const a: any[] = []'
  )
  clean(
    forbiddenWords,
    'lib/a.ts',
    '// any of them',
    "'x: any'",
    'const anything = 1',
    '/** as any other */'
  )
  clean(forbiddenWords, 'lib/a.d.ts', 'let a: any')

  found(rules.namelessFiles, 'lib/utils/a.ts', '')
  found(rules.namelessFiles, 'gateway/types.ts', '')
  found(rules.namelessFiles, 'lib/helper.d.ts'.replace('.d', ''), '')
  clean(rules.namelessFiles, 'lib/store/shared-pieces.ts', '')

  found(rules.testLeftovers, 'test/a.test.ts', 't.only()', 't.test("x", { skip: true }, f)')
})
