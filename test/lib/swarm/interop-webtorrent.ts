/** webtorrent as it comes, in a process of its own. */
import { type InteropClient, loopback, startScripted } from './interop-client.ts'

const SCRIPT = new URL('interop-webtorrent-process.js', import.meta.url).pathname

export const webtorrent: InteropClient = {
  name: 'webtorrent',
  skip: false,
  host: loopback,
  start: async (t) => startScripted(t, process.execPath, [SCRIPT])
}
