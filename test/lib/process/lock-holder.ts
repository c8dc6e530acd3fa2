/** Started by lock-file.test.ts: locks the folder of its argument and tells the parent. */
import { lockFolder } from '../../../lib/process/lock-file.ts'

const [folder = ''] = process.argv.slice(2)
const outcome = await lockFolder(folder).then(
  () => 'locked',
  (err: Error) => err.message
)
process.send?.(outcome)
// Lives until the parent ends it.
process.on('message', () => {})
