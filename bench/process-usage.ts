/** What the kernel has counted for a process: the same for every subject, whatever it is made of. */
import { readdir, readFile } from 'node:fs/promises'

/** The unit of the times in /proc on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100

/** CPU seconds, user and system, of a process, its threads and all processes it started. */
export async function cpuSeconds(pid: number): Promise<number> {
  const family = await familyOf(pid)
  return family.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND
}

/** Resident bytes of a process, without those it started. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024
}

export interface Transferred {
  /** Bytes that the process's own read calls returned: from files and from sockets. */
  readonly read: number
  /** Bytes that its write calls took. */
  readonly written: number
}

/** Bytes through system calls so far, wherever from; pages of a mapped file are not among them. */
export async function transferred(pid: number): Promise<Transferred> {
  const io = await readFile(`/proc/${pid}/io`, 'utf8')
  const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1])
  return { read: count('rchar'), written: count('wchar') }
}

interface Counted {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
}

async function familyOf(pid: number): Promise<Counted[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const all = (await Promise.all(pids.map(statOf))).filter((stat) => stat !== undefined)
  const family = all.filter((stat) => stat.pid === pid)
  for (let grown = -1; grown !== family.length; ) {
    grown = family.length
    const known = new Set(family.map((stat) => stat.pid))
    family.push(...all.filter((stat) => known.has(stat.parent) && !known.has(stat.pid)))
  }
  return family
}

/** Undefined for a process that has ended. */
async function statOf(name: string): Promise<Counted | undefined> {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // The name in brackets may hold anything; fields are counted from behind it.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [parent = 0, utime = 0, stime = 0] = [fields[1], fields[11], fields[12]]
  return { pid: Number(name), parent, ticks: utime + stime }
}
