import { eventually, startReceiver } from '@timers/lab'
import { startSilent } from './silent-ports.ts'
import { openWorkerBed } from './worker-bed.ts'

const SILENT = 200
const NEW = 20
/** They were 20 to 60 s late. What is promised is asked beside the gate, with a fake clock. */
const TOO_LATE_MS = 2_500

test.each([
  {
    what: '200 silent hosts, more than the worker has hands',
    ports: 1,
    hostOf: (index: number) => `127.20.0.${1 + index}`,
  },
  { what: '200 silent ports of its host', ports: SILENT, hostOf: () => '127.0.0.1' },
])(
  'a receiver that the worker did not know was late beside $what',
  async ({ ports, hostOf }) => {
    const silent = await startSilent(ports)
    const receivers = await Promise.all(Array.from({ length: NEW }, () => startReceiver()))
    const bed = await openWorkerBed()
    try {
      await bed.startWorker({ WORKER_CONCURRENCY: '100' })
      await Promise.all(
        Array.from({ length: SILENT }, (_, index) =>
          bed.schedule({
            url: `http://${hostOf(index)}:${silent.ports[index % ports]}/hook`,
            delayMs: 100 + index * 15,
          }),
        ),
      )
      const due = Date.now() + 5_000
      await Promise.all(
        receivers.map(({ hookUrl }, index) =>
          bed.schedule({ url: hookUrl, delayMs: due + index * 500 - Date.now() }),
        ),
      )
      await eventually(
        () => {
          for (const { requests } of receivers) expect(requests).toHaveLength(1)
        },
        { timeoutMs: 100_000 },
      )
      const late = receivers.map(({ requests }, index) => (requests[0]?.receivedAt ?? 0) - due - index * 500)
      expect(Math.max(...late)).toBeLessThan(TOO_LATE_MS)
    } finally {
      silent.close()
      await Promise.all(receivers.map((receiver) => receiver.close()))
      await bed.close()
    }
  },
  150_000,
)
