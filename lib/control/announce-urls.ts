/** Where BitTorrent clients announce to a tracker, told from where it is reached. */

/**
 * The announce URLs of the tracker at a base URL, HTTP first as every client speaks it. One port
 * carries all three transports: HTTP and WebSocket over TCP, and UDP. Behind a TLS front only HTTP
 * and WebSocket are reached.
 */
export function announceUrlsOf(trackerUrl: string): readonly string[] {
  const { protocol, hostname, port, pathname } = new URL(trackerUrl)
  const base = pathname.replace(/\/+$/, '')
  const authority = port === '' ? hostname : `${hostname}:${port}`
  if (protocol === 'https:') {
    return [`https://${authority}${base}/announce`, `wss://${authority}${base}`]
  }
  return [
    `http://${authority}${base}/announce`,
    `udp://${hostname}:${port === '' ? '80' : port}/announce`,
    `ws://${authority}${base}`
  ]
}
