/** One request by curl, the same client for every subject; its own clock is the figure. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Transfer {
  /** Milliseconds from the start to the first byte of the answer. */
  readonly firstByteMs: number
  /** Seconds of the whole transfer. */
  readonly seconds: number
  readonly bytes: number
  /** Decimal megabytes per second. */
  readonly rate: number
}

/** Fetches `url` to nowhere. Throws unless the status is 2xx. */
export async function download(url: string, ...options: readonly string[]): Promise<Transfer> {
  return transfer(['-o', '/dev/null', ...options, url], 'size_download')
}

/** Sends a file by `curl -T`. */
export async function upload(file: string, url: string): Promise<Transfer> {
  return transfer(['-o', '/dev/null', '-T', file, url], 'size_upload')
}

async function transfer(
  options: readonly string[],
  size: 'size_download' | 'size_upload'
): Promise<Transfer> {
  const format = `%{time_starttransfer} %{time_total} %{${size}}`
  const args = ['-s', '-S', '--fail', '--max-time', '300', '-w', format, ...options]
  const { stdout } = await run('curl', args)
  const [first, total, bytes] = stdout.split(' ').map(Number) as [number, number, number]
  return { firstByteMs: first * 1000, seconds: total, bytes, rate: bytes / total / 1e6 }
}
