import fc from 'fast-check'
import { failureReason, timeoutReason } from './failure-reason.ts'

const error = (code?: string): Error & { code?: string } =>
  Object.assign(new Error('10.0.0.7 said: secret'), code === undefined ? {} : { code })

describe('the reason of a failure', () => {
  test.each([
    ['ECONNREFUSED', 'connection refused'],
    ['ENOTFOUND', 'host name not found'],
    ['ERR_NAME_TIMEOUT', 'host name look-up timed out'],
    ['ERR_NAME_FAILED', 'host name look-up failed'],
    ['ECONNRESET', 'connection reset'],
    ['HPE_INVALID_CONSTANT', 'answer is not HTTP'],
    ['HPE_HEADER_OVERFLOW', 'answer headers too large'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS certificate not accepted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS certificate not accepted'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS failure'],
    ['EPROTO', 'TLS failure'],
    ['ERR_ADDRESS_BLOCKED', 'address not allowed'],
    ['ERR_PROXY', 'no connection through the proxy'],
    ['EWHATEVER', 'connection failed'],
    [undefined, 'connection failed'],
  ])('%s: %s', (code, reason) => {
    expect(failureReason(error(code))).toBe(reason)
  })

  test('names the phase of a time-out', () => {
    expect(timeoutReason('handshake')).toBe('TLS handshake timed out')
    expect(failureReason(undefined)).toBe('connection closed')
  })

  test('never quotes the error', () => {
    fc.assert(
      fc.property(fc.string(), (code) => {
        expect(failureReason(error(code))).not.toContain('10.0.0.7')
        expect(failureReason(error(`X${code}~`))).not.toContain('~')
      }),
    )
  })
})
