import { type Receiver, startReceiver } from '@timers/lab'
import { openWorkerBed, type WorkerBed } from './worker-bed.ts'

/** A worker that runs for all tests of the file, and a receiver. */
export let bed: WorkerBed
export let receiver: Receiver

beforeAll(async () => {
  bed = await openWorkerBed()
  receiver = await startReceiver()
  await bed.startWorker()
})
afterAll(async () => {
  await receiver.close()
  await bed.close()
})
