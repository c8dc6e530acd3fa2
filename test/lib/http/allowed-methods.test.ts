import t from 'tap'
import { createAllowedMethods } from '../../../lib/http/allowed-methods.ts'

t.test('a path has the methods of every pattern that fits it', async (t) => {
  const allowed = createAllowedMethods()
  allowed.note('/v1/files/:name', ['PUT'])
  allowed.note('/v1/files/:name', 'OPTIONS')
  allowed.note('/:infoHash.torrent', ['GET', 'HEAD'])
  allowed.note('/s/*', 'get')
  for (const [path, methods] of [
    ['/v1/files/a', ['OPTIONS', 'PUT']],
    ['/v1/files/', []],
    ['/v1/files/a/b', []],
    ['/abc.torrent', ['GET', 'HEAD']],
    ['/abcxtorrent', []],
    ['/s/', ['GET']],
    ['/s/a/b\nc', ['GET']],
    ['', []]
  ] as const) {
    t.same(allowed.of(path), methods, JSON.stringify(path))
  }
})
