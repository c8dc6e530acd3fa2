/** Settings of the node that a process has, whatever roles it runs. */
import { parseUrl } from '../config/parsers.ts'
import { optional } from '../config/setting.ts'

export const nodeSettings = {
  trackerUrl: optional(
    'TRACKER_URL',
    parseUrl,
    'Where the other roles reach the tracker; by default its host and port on this machine.'
  )
}
