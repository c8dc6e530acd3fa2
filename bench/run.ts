/**
 * Runs every bench and writes docs/benchmarks.md: the figures, the machine, the versions.
 *
 *   npm run bench                 all
 *   npm run bench -- fill cold    some; the other sections of the page stay
 *
 * `scale.ts` says how BENCH_BYTES, BENCH_ROUNDS and BENCH_SMOKE set how much is measured;
 * SWARMGATE_SWARM_ENGINE names the engine that our processes run. A bench that fails leaves its
 * section alone, and the others run all the same; a smoke run leaves the page alone.
 */
import { benchBrowser } from './browser.ts'
import { benchCold } from './cold.ts'
import { benchDensity } from './density.ts'
import { benchFetch } from './fetch.ts'
import { type Figure, figureTables } from './figure.ts'
import { benchFill } from './fill.ts'
import { benchFreeze } from './freeze.ts'
import { benchHotReads } from './hot-reads.ts'
import { sectionText, updatePage } from './page.ts'
import { benchPlayers } from './players.ts'
import { benchPublish } from './publish.ts'
import { SMOKE } from './scale.ts'
import { benchServe } from './serve.ts'
import { benchSpread } from './spread.ts'

const BENCHES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  serve: benchServe,
  fetch: benchFetch,
  players: benchPlayers,
  publish: benchPublish,
  fill: benchFill,
  cold: benchCold,
  reads: benchHotReads,
  freeze: benchFreeze,
  spread: benchSpread,
  browser: benchBrowser,
  density: benchDensity
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !(name in BENCHES))
if (unknown.length > 0) {
  const known = Object.keys(BENCHES).join(', ')
  process.stderr.write(`no such bench: ${unknown.join(', ')}; there is ${known}\n`)
  process.exit(2)
}
const chosen = Object.entries(BENCHES).filter(
  ([name]) => names.length === 0 || names.includes(name)
)
const sections = new Map<string, string>()
for (const [name, bench] of chosen) {
  process.stderr.write(`${name} …\n`)
  try {
    const text = await sectionText(name, figureTables(await bench()))
    process.stdout.write(`${text}\n`)
    sections.set(name, text)
  } catch (err) {
    process.stderr.write(`${name} failed: ${err instanceof Error ? err.stack : err}\n`)
    process.exitCode = 1
  }
}
if (!SMOKE) await updatePage(sections, Object.keys(BENCHES))
