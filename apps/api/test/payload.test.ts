import { startTestRedis, type TestRedis } from '@timers/lab'
import fc from 'fast-check'
import { startTestApi, type TestApi } from './test-api.ts'

/** What arrives at the receiver is what the client wrote, whatever JavaScript would make of it. */
let redis: TestRedis
let api: TestApi

beforeAll(async () => {
  redis = await startTestRedis()
  api = await startTestApi({ redisUrl: redis.url })
  await api.ready()
})

afterAll(async () => {
  await api?.close()
  await redis?.stop()
})

async function post(body: string | Buffer) {
  const reply = await api.app.inject({
    method: 'POST',
    url: '/timers',
    headers: { 'content-type': 'application/json' },
    payload: body,
  })
  const answer = reply.json()
  const stored = reply.statusCode === 201 ? await api.find(answer.id) : undefined
  return { status: reply.statusCode, body: answer, payload: stored?.payload }
}

const withPayload = (text: string) => `{"seconds": 60, "url": "https://example.com", "payload": ${text}}`

describe('a payload', () => {
  it.each([
    ['1234567890123456789', '1234567890123456789'],
    ['1e309', '1e309'],
    ['{"a":1,"a":2}', '{"a":1,"a":2}'],
    ['1.0', '1.0'],
    ['-0', '-0'],
    ['"\\u00e9 \\ud800 \\/"', '"\\u00e9 \\ud800 \\/"'],
    ['"é\u2028😀"', '"é\u2028😀"'],
    ['{"__proto__":{"x":1},"constructor":2}', '{"__proto__":{"x":1},"constructor":2}'],
    ['{ "b" : [ 1 ,\n\t2 ] , "a" : " x  y " }\r\n', '{"b":[1,2],"a":" x  y "}'],
    ['{"2":0,"1":0}', '{"2":0,"1":0}'],
  ])('%s did not arrive as it was given', async (given, sent) => {
    const { status, payload } = await post(withPayload(given))
    expect([status, payload]).toEqual([201, sent])
  })

  it('is any JSON value, in any layout, sent without the whitespace between its parts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 5 }), fc.constantFrom(0, 1, 2, '\t'), async (json, indent) => {
        const loose = JSON.stringify(JSON.parse(json), null, indent)
        const { status, payload } = await post(withPayload(loose))
        expect(status).toBe(201)
        expect(payload).toBe(JSON.stringify(JSON.parse(loose)))
      }),
      { numRuns: 200 },
    )
  })

  it('that JSON.parse refuses is refused', async () => {
    const fragment = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        '"',
        '\\',
        ':',
        ',',
        ' ',
        '1',
        '-',
        '.',
        'e',
        'null',
        'tru',
        '"a"',
        '\u0001',
        '\u00a0',
        '//',
      ],
    )
    const text = fc.oneof(
      fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), fragment).map(([json, at, extra]) => {
        const cut = at % (json.length + 1)
        return json.slice(0, cut) + extra + json.slice(cut)
      }),
    )
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const body = withPayload(given)
        const valid = isJson(body)
        const { status, body: answer, payload } = await post(body)
        if (!valid) expect([status, answer.code]).toEqual([400, 'INVALID_JSON'])
        else expect([201, 400]).toContain(status)
        if (status === 201) {
          // One payload or none: what was stored says the same as what was given.
          expect(JSON.parse(payload ?? 'null')).toEqual(JSON.parse(body).payload ?? null)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('counts by what is sent: 8 KiB without its whitespace', async () => {
    const loose = (length: number) => `[ ${' '.repeat(2_000)} "${'x'.repeat(length - 4)}" ]`
    expect((await post(withPayload(loose(8_192)))).status).toBe(201)
    expect(await post(withPayload(loose(8_193)))).toMatchObject({
      status: 400,
      body: { code: 'INVALID_PAYLOAD' },
    })
  })
})

it('4,090 nested arrays took the core for as long as 45 flat payloads', async () => {
  const nested = withPayload('['.repeat(4_090) + ']'.repeat(4_090))
  const flat = withPayload(`[${Array(4_000).fill('1').join(',')}]`)
  const timed = async (body: string, status: number): Promise<number> => {
    // The core's time, and not what else the machine does meanwhile.
    const before = process.cpuUsage()
    for (let count = 0; count < 50; count += 1) expect((await post(body)).status).toBe(status)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  }
  await timed(flat, 201)
  const flatMs = await timed(flat, 201)
  expect(await timed(nested, 400)).toBeLessThan(flatMs * 2)
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
