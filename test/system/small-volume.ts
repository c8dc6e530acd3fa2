/** A volume that is soon full: a file system in memory, where this user may mount one. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Owner } from './process.ts'

/** Why there can be no small volume; false when there can. */
export function whyNoMount(): string | false {
  const folder = makeFolder()
  const failure = mount(folder, 2 ** 20)
  drop(folder)
  return failure === undefined ? false : `mount: ${failure}`
}

/** The folder of a new volume of so many bytes, which goes at teardown. */
export function mountSmall(t: Owner, bytes: number): string {
  const folder = makeFolder()
  t.teardown(async () => drop(folder))
  const failure = mount(folder, bytes)
  if (failure !== undefined) throw new Error(failure)
  return folder
}

/** Not a test's own folder: that one is emptied and removed before anything else. */
function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'swarmgate-volume-'))
}

function mount(folder: string, bytes: number): string | undefined {
  const { status, stderr, error } = spawnSync('mount', [
    ...['-t', 'tmpfs', '-o', `size=${bytes}`],
    ...['tmpfs', folder]
  ])
  if (status === 0) return undefined
  return error?.message ?? stderr.toString().trim()
}

/** The volume is detached at once, so that a process with a file open does not keep it. */
function drop(folder: string): void {
  spawnSync('umount', ['-l', folder])
  rmdirSync(folder)
}
