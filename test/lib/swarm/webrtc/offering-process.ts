/**
 * The native half of a channel peer. Once used, the library neither lets a process end nor can be
 * cleaned up safely, so the test's side of a channel lives here and is killed afterwards.
 */
import nodeDataChannel from 'node-datachannel'

export type OfferingCommand =
  | { readonly type: 'answer'; readonly sdp: string }
  | { readonly type: 'send'; readonly bytes: Uint8Array }
  | { readonly type: 'close' }

export type OfferingEvent =
  | { readonly type: 'offer'; readonly sdp: string }
  | { readonly type: 'open' }
  | { readonly type: 'closed' }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }

const connection = new nodeDataChannel.PeerConnection('test', {
  iceServers: [],
  bindAddress: '127.0.0.1'
})
connection.onGatheringStateChange((state) => {
  if (state !== 'complete') return
  post({ type: 'offer', sdp: withoutCandidates(connection.localDescription()?.sdp ?? '') })
})
const channel = connection.createDataChannel('wire')
channel.onOpen(() => post({ type: 'open' }))
channel.onClosed(() => post({ type: 'closed' }))
channel.onMessage((message) => {
  if (Buffer.isBuffer(message)) post({ type: 'bytes', bytes: message })
})
process.on('disconnect', () => process.exit())
process.on('message', (command: OfferingCommand) => {
  if (command.type === 'answer') takeAnswer(command.sdp)
  else if (command.type === 'send') channel.sendMessageBinary(command.bytes)
  else channel.close()
})

/**
 * The answer first and its candidates afterwards: the library begins to connect with the first
 * candidate it hears, on another thread, and must know the other side's fingerprint by then. For
 * the same reason the offer names none; a browser's mDNS names mean as little to who answers.
 */
function takeAnswer(sdp: string): void {
  connection.setRemoteDescription(withoutCandidates(sdp), 'answer')
  for (const [line] of sdp.matchAll(/candidate:.*/g)) connection.addRemoteCandidate(line, '0')
}

function withoutCandidates(sdp: string): string {
  return sdp.replace(/a=(candidate:.*|end-of-candidates)\r\n/g, '')
}

function post(event: OfferingEvent): void {
  process.send?.(event)
}
