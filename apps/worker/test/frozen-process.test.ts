import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { AttemptResult } from '@timers/core'
import { createAddressGuard } from '../src/delivery/address-guard.ts'
import { createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { createSigner } from '../src/delivery/signature.ts'

const TIMEOUT_MS = 1_000

/**
 * A receiver on a thread of its own, which goes on while this one stands still. Tells its port, then each request. It answers
 * when it hears that this one is about to stand still, and says in `answered` that the answer is on its way.
 */
const RECEIVER = `
const { parentPort, workerData: { answered } } = require('node:worker_threads')
let answer = () => {}
parentPort.on('message', () => answer())
const server = require('node:http').createServer((request, response) => {
  answer = () => response.end(() => {
    Atomics.store(answered, 0, 1)
    Atomics.notify(answered, 0)
  })
  parentPort.postMessage('request')
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

describe('a process that stands still for longer than the time-out of a webhook', () => {
  let receiver: Worker
  afterEach(() => receiver.terminate())

  async function sendAndStandStill(answers: boolean): Promise<AttemptResult> {
    const answered = new Int32Array(new SharedArrayBuffer(4))
    receiver = new Worker(RECEIVER, { eval: true, workerData: { answered } })
    const [port] = await once(receiver, 'message')
    const client = createGotWebhookClient({
      timeoutMs: TIMEOUT_MS,
      userAgent: 'test',
      guard: createAddressGuard({ allowCidrs: ['127.0.0.0/8'] }),
      signer: createSigner([]),
    })
    const requested = once(receiver, 'message')
    const sent = client.send({ id: 1, url: `http://127.0.0.1:${port}/hook`, attempt: 1 })
    await requested
    if (answers) {
      // Nothing else runs here between this and the end of the waiting.
      receiver.postMessage('now')
      Atomics.wait(answered, 0, 0)
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * TIMEOUT_MS)
    const result = await sent
    client.close()
    return result
  }

  test('hears an answer that came meanwhile', async () => {
    expect(await sendAndStandStill(true)).toMatchObject({ outcome: 'delivered', responseStatus: 200 })
  })

  test('still gives up where none came', async () => {
    expect(await sendAndStandStill(false)).toMatchObject({
      outcome: 'ambiguous',
      reason: 'no answer in time',
    })
  })
})
