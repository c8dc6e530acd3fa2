import t from 'tap'
import { controlSuite } from '../contract/control-suite.ts'
import { openControl } from './open-control.ts'

controlSuite(t, (t) => openControl(t))
