import { isCrossSite, type PageHeaders } from './cross-site.ts'

const OWN = 'timers.example:3000'

describe('a request from a page', () => {
  it.each<[string, string, PageHeaders, boolean]>([
    ['none: not a browser', 'POST', { host: OWN }, false],
    ['none, and no Host either', 'POST', {}, false],
    ['its own, by the browser', 'POST', { host: OWN, 'sec-fetch-site': 'same-origin' }, false],
    ['a person', 'GET', { host: OWN, 'sec-fetch-site': 'none' }, false],
    ['another site', 'POST', { host: OWN, 'sec-fetch-site': 'cross-site' }, true],
    [
      'another site, with no-cors',
      'POST',
      { host: OWN, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      true,
    ],
    [
      'another site, by a form',
      'POST',
      { host: OWN, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      true,
    ],
    [
      'another site, to read',
      'GET',
      { host: OWN, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
      true,
    ],
    [
      'another site, by a link',
      'GET',
      { host: OWN, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      false,
    ],
    [
      'another port of this host',
      'POST',
      { host: OWN, origin: 'http://timers.example:8080', 'sec-fetch-site': 'same-site' },
      true,
    ],
    [
      'the same site, from our origin',
      'POST',
      { host: OWN, origin: `http://${OWN}`, 'sec-fetch-site': 'same-site' },
      false,
    ],
    ['the same site, from nobody', 'POST', { host: OWN, 'sec-fetch-site': 'same-site' }, true],
    ['a word that does not exist', 'POST', { host: OWN, 'sec-fetch-site': 'friend' }, true],
    ['two words', 'POST', { host: OWN, 'sec-fetch-site': ['same-origin', 'cross-site'] }, true],
    [
      'its own, behind a proxy that changes Host',
      'POST',
      { host: 'api:3000', origin: 'https://timers.example', 'sec-fetch-site': 'same-origin' },
      false,
    ],
  ])('%s', (_name, method, headers, refused) => {
    expect(isCrossSite(method, headers)).toBe(refused)
  })

  it.each<[string | undefined, string | undefined, boolean]>([
    ['http://timers.example:3000', OWN, false],
    ['HTTP://Timers.Example:3000', OWN, false],
    ['https://timers.example', 'timers.example', false],
    ['https://timers.example', 'timers.example:443', false],
    ['http://timers.example', 'timers.example:80', false],
    ['http://[::1]:3000', '[::1]:3000', false],
    ['http://timers.example', 'timers.example:443', true],
    ['https://evil.example', 'timers.example', true],
    ['http://timers.example:3001', OWN, true],
    ['http://timers.example', OWN, true],
    ['http://timers.example.evil.example', 'timers.example', true],
    ['chrome-extension://timers.example', 'timers.example:443', true],
    ['null', OWN, true],
    ['null', 'null', true],
    ['', OWN, true],
    ['', '', true],
    ['http://', '', true],
    ['http://timers.example', undefined, true],
    [undefined, OWN, false],
  ])('with Origin %s and Host %s, from a browser that says no more', (origin, host, refused) => {
    expect(isCrossSite('POST', { origin, host })).toBe(refused)
    expect(isCrossSite('GET', { origin, host })).toBe(refused)
  })
})
