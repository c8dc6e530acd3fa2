/** Our own engine behind the engine contract. */
import { engineSuite } from '../engine-suite.ts'

await engineSuite('wire')
