/** The bound of V8's young generation, against V8 itself: in a process of its own each. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

const MIB = 2 ** 20
const MODULE = new URL('../../../lib/process/young-generation.ts', import.meta.url).href

/** Lets a tenth of some 200 MB of objects survive for a while, and tells what V8 set aside. */
async function youngBytesAfterWork(limitBytes: number | undefined, close = false): Promise<number> {
  const script = `
    import { boundYoungGeneration, youngBytes } from ${JSON.stringify(MODULE)}
    const bound = ${limitBytes === undefined ? 'undefined' : `boundYoungGeneration(${limitBytes})`}
    if (${close}) await bound.close()
    const kept = []
    for (let turn = 0; turn < 2000; turn++) {
      for (let at = 0; at < 1000; at++) {
        const made = { at, list: [at, turn] }
        if (at % 10 === 0) kept[(turn * 100 + at / 10) % 100_000] = made
      }
      await new Promise(setImmediate)
    }
    console.log(youngBytes())
    await bound?.close()`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    script
  ])
  return Number(stdout)
}

t.test('the young generation grows to the limit and no further', async (t) => {
  const young = await youngBytesAfterWork(8 * MIB)
  t.ok(young >= 4 * MIB && young <= 8.5 * MIB, `${young} bytes`)
})

t.test('without a bound, or once it is closed, it grows as V8 likes', async (t) => {
  t.ok((await youngBytesAfterWork(undefined)) > 12 * MIB)
  t.ok((await youngBytesAfterWork(8 * MIB, true)) > 12 * MIB)
})
