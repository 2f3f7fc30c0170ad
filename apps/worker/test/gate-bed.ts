import type { Admission, Log, Pass } from '@timers/core'
import { ReceiverGate } from '../src/gate/receiver-gate.ts'

export const ORIGIN = 'https://a.example'

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }

export const gateOf = (maxPerOrigin: number, hands = 2_000, log = SILENT) =>
  new ReceiverGate({ maxPerOrigin, hands, log })

export const isPass = (admission: Admission | Promise<Admission>): admission is Pass =>
  !(admission instanceof Promise) && admission.kind === 'go'

export const passes = (gate: ReceiverGate, count: number, origin = ORIGIN): Pass[] =>
  Array.from({ length: count }, () => gate.enter(origin))
    .filter(isPass)
    .map((pass) => {
      pass.sending()
      return pass
    })
