/**
 * An engine in a process of its own, so that a soak can tell its memory from the attackers'.
 *
 * Arguments: the engine's name, a folder. Says `{ port }`; answers `weigh` with its weight, and
 * `{ churn: port }` by fetching the hungry torrent from that port and forgetting it again.
 */
import { openRig } from './storm-rig.ts'
import { EVERYTHING, NOTHING } from './torrent-folder.ts'

const [engine, folder] = process.argv.slice(2)
if (engine !== 'wire' && engine !== 'webtorrent') throw new Error('no such engine')

const rig = await openRig({ teardown() {} }, folder ?? '', engine)
const { infoHash, metainfo } = rig.hungry
const { pieceCount } = metainfo.geometry
let filled = () => {}
rig.swarm.on({ verified: () => rig.larder.bits.full && filled() })

process.on('message', async (order: 'weigh' | { readonly churn: number }) => {
  if (order === 'weigh') {
    const weight = { ...(await rig.weigh()), resident: process.memoryUsage.rss() }
    process.send?.({ ...weight, alive: rig.alive, errors: rig.errors })
  } else {
    await churn(order.churn)
    process.send?.('churned')
  }
})
process.once('disconnect', () => process.exit(0))
process.send?.({ port: rig.port })

/** Everything fetched from one peer, then evicted. */
async function churn(port: number): Promise<void> {
  const full = new Promise<void>((resolve) => {
    filled = resolve
  })
  rig.swarm.introduce(infoHash, [{ host: '127.0.0.1', port, class: 'seeder' }])
  rig.swarm.want(infoHash, EVERYTHING)
  await full
  rig.swarm.want(infoHash, NOTHING)
  await rig.swarm.evict(infoHash, 0, pieceCount)
  for (let index = 0; index < pieceCount; index++) rig.larder.bits.clear(index)
}
