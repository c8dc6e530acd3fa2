/** Handshakes that wait for their torrent. */
import t from 'tap'
import type { InfoHash } from '../../../core/info-hash.ts'
import { createKnocks } from '../../../lib/swarm/knocks.ts'
import { makeContent } from './torrent-folder.ts'

const { infoHash } = makeContent('one', 1)
const { infoHash: other } = makeContent('other', 1)

t.test('many handshakes for one torrent are one knock, and wait for it together', async (t) => {
  const heard: InfoHash[] = []
  const knocks = createKnocks((asked) => void heard.push(asked))
  const waits = [knocks.wait(infoHash), knocks.wait(infoHash), knocks.wait(other)]
  t.same(heard, [infoHash, other])
  knocks.arrived(infoHash)
  await Promise.all(waits.slice(0, 2))
  const again = knocks.wait(infoHash)
  t.same(heard, [infoHash, other, infoHash], 'a later handshake knocks again')
  knocks.close()
  await Promise.all([...waits, again])
})

t.test('above the limit a handshake does not wait', async (t) => {
  const knocks = createKnocks(() => {})
  const waits = Array.from({ length: 256 }, () => knocks.wait(infoHash))
  await knocks.wait(other)
  t.pass('it is turned away at once')
  knocks.close()
  await Promise.all(waits)
})
