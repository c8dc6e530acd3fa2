import t from 'tap'
import { createTurns } from '../../../lib/swarm/turns.ts'
import { makeContent } from './torrent-folder.ts'

const { infoHash } = makeContent('one', 1)
const { infoHash: other } = makeContent('other', 1)

t.test('what takes no time runs at once, and waits behind what does', async (t) => {
  const turns = createTurns((_, err) => t.fail(String(err)))
  const done: string[] = []
  const gate = Promise.withResolvers<void>()
  turns.run(infoHash, () => void done.push('first'))
  t.same(done, ['first'])
  turns.run(infoHash, async () => {
    await gate.promise
    done.push('slow')
  })
  turns.run(infoHash, () => void done.push('behind it'))
  turns.run(other, () => void done.push('of another torrent'))
  t.same(done, ['first', 'of another torrent'])
  gate.resolve()
  await turns.settled()
  t.same(done, ['first', 'of another torrent', 'slow', 'behind it'])
})

t.test('a failure is told, and the next has its turn', async (t) => {
  const failures: string[] = []
  const turns = createTurns((_, err) => failures.push(String(err)))
  turns.run(infoHash, () => {
    throw new Error('at once')
  })
  turns.run(infoHash, async () => {
    throw new Error('later')
  })
  turns.run(infoHash, () => void failures.push('its turn'))
  await turns.settled()
  t.same(failures, ['Error: at once', 'Error: later', 'its turn'])
})
