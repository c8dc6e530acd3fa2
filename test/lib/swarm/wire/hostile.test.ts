/** What one hostile peer may send to our own engine. */
import { hostileSuite } from '../hostile-suite.ts'

await hostileSuite('wire')
