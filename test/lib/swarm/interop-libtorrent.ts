/** libtorrent (rasterbar) through its Python binding. */
import { pythonWith } from '../../system/clients.ts'
import { type InteropClient, loopback, startScripted } from './interop-client.ts'

const SCRIPT = new URL('interop-libtorrent.py', import.meta.url).pathname
const python = pythonWith('libtorrent')

export const libtorrent: InteropClient = {
  name: 'libtorrent',
  skip: python === undefined && 'no python3 with libtorrent (python3-libtorrent)',
  host: loopback,
  start: async (t) => startScripted(t, python ?? '', [SCRIPT])
}
