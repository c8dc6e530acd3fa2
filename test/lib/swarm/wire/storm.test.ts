/** Storms against our wire engine. */
import { stormSuite } from '../storm-suite.ts'

await stormSuite('wire')
