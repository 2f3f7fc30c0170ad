import { timed } from '@timers/lab'
import type { SlotLimits } from '../src/delivery/names/look-up-slots.ts'
import { Names } from '../src/delivery/names/names.ts'
import { ipv4, makeNameFiles, type NameServer, startNameServer, type TestNameFiles } from './name-server.ts'

export let server: NameServer
export let files: TestNameFiles
export let names: Names

beforeEach(async () => {
  server = await startNameServer((name, type) => ipv4(name, type, ['192.0.2.1']))
  files = await makeNameFiles({ resolvConf: `nameserver ${server.address}\n` })
  names = new Names({ files })
})

afterEach(async () => {
  names.close()
  await Promise.all([server.close(), files.remove()])
})

/** Names with fewer places for look-ups than there are by default, from now on. */
export function limitNames(limits: SlotLimits): void {
  names = new Names({ files, limits })
}

export const addresses = async (name: string): Promise<string[]> =>
  (await names.resolve(name)).map(({ address }) => address)
export const asked = (name: string): number =>
  server.asked.filter((question) => question === `A ${name}`).length

export async function failureOf(name: string): Promise<{ code: unknown; tookMs: number }> {
  const { value, tookMs } = await timed(() => names.resolve(name).catch((reason) => reason))
  return { code: value.code, tookMs }
}

export const NOT_FOUND = { code: 'ENOTFOUND' }
export const TIMED_OUT = { code: 'ERR_NAME_TIMEOUT' }
